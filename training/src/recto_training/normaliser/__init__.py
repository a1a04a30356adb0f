"""Texts rewritten into one form by a sequence-to-sequence model: the alternative to the rules of the core."""
