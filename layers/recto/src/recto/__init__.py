"""Recto's shared library: the same bytes in the Lambda layer, on the laptop and in SageMaker jobs."""

__version__ = "0.1.0"
