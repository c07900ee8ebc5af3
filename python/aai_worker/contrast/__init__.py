"""Contrasts, one file per method: from the logits of several streams to those that the search gets.

A contrast stands between the batch and the search (see `streams.py`), so every search works with every
contrast. Attention edits apply to the main stream only, as in PAI's own code: a stream without the image has
nothing to edit, and a stream that is meant to see the image badly must not be made to attend to it more.
"""

from typing import Any

from . import apc_only, deco, dola, icd, m3id, pai_cfg, plugin, sid, vcd  # noqa: F401 (registers the methods)
from .base import CONTRASTS, Contrast
from .streams import ContrastRecord, Streams


def create_contrast(parameters: Any) -> Contrast:
    """The contrast with these parameters, one of the protocol's contrast structs. Raises WorkerError."""
    return CONTRASTS[parameters.__struct_config__.tag](parameters)


__all__ = ["CONTRASTS", "Contrast", "ContrastRecord", "Streams", "create_contrast"]
