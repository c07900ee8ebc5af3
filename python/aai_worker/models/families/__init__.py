"""One kind of checkpoint a file: how its image tower, its placeholders and its decoder are read."""
