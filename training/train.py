#!/usr/bin/env python3
"""Train a word model: on labelled documents, or a release from synthetic agreements.

python training/train.py tiny --run /tmp/tiny-run --release /tmp/tiny                      (seconds)
python training/train.py labels.manifest --textract ocr --recipe tiny --output_dir /tmp/t  (seconds)
python training/train.py labels.manifest --textract ocr --model_name_or_path minilm --output_dir runs/first
python training/train.py demo --run .recto/demo-run --release local/releases/demo

The entry point of SageMaker training jobs too: settings as hyper-parameters, data as channels.
"""

import sys

from recto_training.__main__ import main
from recto_training.console import train
from recto_training.recipes import RECIPES

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in RECIPES:
        train(sys.argv[1:])
    else:
        sys.exit(main(["train", *sys.argv[1:]]))
