"""The commands of `python -m recto_training NAME …`, one module each with `main(arguments) -> int`."""
