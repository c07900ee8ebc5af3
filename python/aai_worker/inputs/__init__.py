"""From a command's samples and array frames to what a model gets."""
