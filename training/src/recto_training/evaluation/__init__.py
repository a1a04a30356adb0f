"""What a model's predictions are worth: words, entities, fields, confidence. Needs no torch."""
