"""Networks that read words where they stand on a page, by hub name, by local folder or from scratch.

`encoders.opening.open_base` gives a network and what cuts pages for it; `encoders.stored` writes both into
a model folder and reads them again. Not the training (`fit`), not the prediction (`models`).
"""
