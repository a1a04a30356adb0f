"""Textract, A2I and the little of SageMaker that goes with it, answered on this machine."""
