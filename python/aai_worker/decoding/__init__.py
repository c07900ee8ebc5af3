"""A generate command: its rows, their edits, the queue in which they wait and the loop that writes them."""
