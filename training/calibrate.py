#!/usr/bin/env python3
"""Fit the confidence of a release on held-out documents, through the real OCR.

python training/calibrate.py /tmp/tiny --documents 2
python training/calibrate.py local/releases/demo
"""

import sys

from recto_training.console import calibrate

if __name__ == "__main__":
    calibrate(sys.argv[1:])
