"""What the vision encoder looks at: its attention, and the references made of it."""
