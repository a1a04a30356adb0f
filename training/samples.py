#!/usr/bin/env python3
"""Write the sample agreements that the project ships: PDFs, a worn scan and a TIFF.

python training/samples.py local/samples
python training/samples.py local/samples --check local/releases/demo      (what becomes of each)
"""

import sys

from recto_training.console import samples

if __name__ == "__main__":
    samples(sys.argv[1:])
