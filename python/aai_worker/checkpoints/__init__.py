"""Published weight files -> one local folder in transformers' native classes (`aai convert`)."""
