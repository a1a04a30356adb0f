#!/usr/bin/env python3
"""Print a release's figures on documents absent from training, through the real OCR.

python training/evaluate.py local/releases/demo --documents 3                 (a minute)
python training/evaluate.py local/releases/demo --results benchmarks/results/word-model.json --amend
"""

import sys

from recto_training.console import evaluate

if __name__ == "__main__":
    evaluate(sys.argv[1:])
