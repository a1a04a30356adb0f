"""Writers of labelled documents in other people's formats, one module per format."""
