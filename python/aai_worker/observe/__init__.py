"""Records of what happens inside the model while rows are written."""
