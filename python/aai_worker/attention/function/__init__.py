"""The attention function of decoders: shared prefixes, capped logits, and the edits of rows and prompts."""
