"""Readers of other people's labelled data, one module per format; each gives a `corpus.Corpus`."""
