"""Editing a decoder's attention: one file per method, each a `stack` function (see `aai.py`), by its name.

A method gets the pre-softmax logits of the rows it applies to, [row, kv head, group, key], and returns them
edited.
"""

from .forward import ATTENTION, AttentionStep
from .plan import METHODS, Plan, RowEdit

__all__ = ["ATTENTION", "METHODS", "AttentionStep", "Plan", "RowEdit"]
