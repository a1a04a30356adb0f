"""The rows of the word model's benchmark: one module per data set, `running` for what they share."""
