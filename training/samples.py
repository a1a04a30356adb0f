#!/usr/bin/env python3
"""Write the sample agreements that the project ships: PDFs, a scan, a photo-like JPEG and a TIFF.

python training/samples.py local/samples
"""

import sys

from recto_training.samples import write_samples

if __name__ == "__main__":
    write_samples(sys.argv[1])
