"""The worker of align-attention: holds vision-language models and decodes with edited attention."""

__version__ = "0.1.0"
