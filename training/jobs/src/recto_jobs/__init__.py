"""Launches Recto's jobs on SageMaker: training, tuning, processing. What runs inside them is elsewhere."""
