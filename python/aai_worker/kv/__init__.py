"""The KV cache, keys and values of prompts and answers, and the batch of live rows that attend to them."""
