#!/usr/bin/env python3
"""Train a word model and write its release.

python training/train.py tiny --run /tmp/tiny-run --release /tmp/tiny          (seconds)
python training/train.py demo --run .recto/demo-run --release local/releases/demo
"""

import sys

from recto_training.console import train

if __name__ == "__main__":
    train(sys.argv[1:])
