"""One generate command: its rows, their edits, and the loop that writes them."""
