"""From a folder or a hub id to a loaded model, with every reason to refuse on the way."""
