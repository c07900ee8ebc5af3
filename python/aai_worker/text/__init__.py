"""Prompts in, text out: templates, tokens as they become text, where an answer stops."""
