"""Keys and values of prompts and answers, and the batch of live rows that attends to them."""
