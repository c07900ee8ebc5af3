"""Edits of a decoder's attention: one file per method, each with a `batch_edits` function (see `aai.py`).

A method gets the pre-softmax logits of the rows that it edits, [row, kv head, group, key] float32, and
returns them edited. It is registered under its name by `attention_method`.
"""

from . import aai, hgai, pai, paint, plugin, vaf  # noqa: F401 (registers the methods)
from .function.forward import ATTENTION, AttentionStep, Intervention, Observer
from .function.layout import KeyLayout, mark
from .function.mirrored import Mirrored
from .function.plan import Plan
from .function.prefill import PromptEdit, PromptEdits, PromptLayer, PromptStep
from .function.shared_prefix import SharedPrefix
from .row_edit import METHODS, REFERENCES, RowEdit

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
