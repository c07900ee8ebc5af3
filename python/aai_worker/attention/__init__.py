"""Editing a decoder's attention: one file per method, each a `stack` function (see `aai.py`), by its name.

A method gets the pre-softmax logits of the rows it applies to, [row, kv head, group, key], and returns them
edited.
"""

from . import aai, hgai, pai, paint, plugin, vaf  # noqa: F401 (registers the methods)
from .forward import ATTENTION, AttentionStep, Intervention, Observer
from .layout import KeyLayout, mark
from .mirrored import Mirrored
from .plan import Plan
from .prefill import PromptEdit, PromptEdits, PromptLayer, PromptStep
from .row_edit import METHODS, REFERENCES, RowEdit
from .shared_prefix import SharedPrefix

__all__ = [
    "ATTENTION",
    "METHODS",
    "REFERENCES",
    "AttentionStep",
    "Intervention",
    "KeyLayout",
    "Mirrored",
    "Observer",
    "Plan",
    "PromptEdit",
    "PromptEdits",
    "PromptLayer",
    "PromptStep",
    "RowEdit",
    "SharedPrefix",
    "mark",
]
