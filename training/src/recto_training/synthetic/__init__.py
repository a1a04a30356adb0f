"""Invented credit card agreements as real PDFs, with the truth about every word."""
