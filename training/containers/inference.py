"""Entry point of a ready-made container with SageMaker's inference toolkit: `code/inference.py` of a model.

The container imports these four by name; `recto_training` and `recto` are installed there from the wheels
beside this file (its requirements.txt). Recto's own container serves the same without the toolkit:
`python -m recto_training serve`. Source of the contract:
https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html#serve-a-pytorch-model
"""

from recto_training.serve_words import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
