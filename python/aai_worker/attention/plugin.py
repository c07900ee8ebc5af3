"""Edits of the user's own (see `aai_worker.plugins`), called row by row, as a batch means nothing to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ..plugins.call import call_plugin

if TYPE_CHECKING:
    from .plan import RowEdit


def stack(edits: Sequence[RowEdit]) -> Callable[[Tensor], Tensor]:
    """One edit per row -> a function on these rows' logits, [R, Hkv, G, K] float32, changed in place."""

    def apply(logits: Tensor) -> Tensor:
        for row, edit in zip(logits, edits, strict=True):
            assert edit.plugin is not None
            offered = {"reference": edit.reference, "layer": edit.layer, "generated": edit.generated}
            row[..., edit.keys] = call_plugin(edit.plugin, [row[..., edit.keys]], offered)  # a copy
        return logits

    return apply
