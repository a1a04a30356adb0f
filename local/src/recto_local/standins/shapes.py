"""Requests checked against botocore's own models: one checker for the stand-ins and the control plane."""

from recto_workbench.aws.shapes import ShapeError, checked, operation_model, service_model

__all__ = ["ShapeError", "checked", "operation_model", "service_model"]
