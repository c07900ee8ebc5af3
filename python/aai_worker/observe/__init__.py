"""What is brought back while rows are written."""
