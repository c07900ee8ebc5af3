"""The vision encoder's attention, and the references that are made of it."""
