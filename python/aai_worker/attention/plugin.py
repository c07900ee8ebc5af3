"""Edits of the user's own (see `aai_worker.plugins`), called row by row, as a batch means nothing to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from ..plugins.call import call_plugin
from .row_edit import References, RowEdit, attention_method, normalised


@attention_method("plugin", References(modes=lambda parameters: [parameters.mode], weigh=normalised))
def stack(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, on these columns -> a function on their logits, [R, Hkv, G, K] float32, in place."""

    def apply(logits: Tensor) -> Tensor:
        for row, edit, own in zip(logits, edits, columns, strict=True):
            assert edit.plugin is not None
            # Copies, so that it may change them in place.
            reference, x = edit.reference.to(own.device, copy=True), row[..., own]
            offered = {"reference": reference, "layer": edit.layer, "generated": edit.generated}
            row[..., own] = call_plugin(edit.plugin, [x], offered)
        return logits

    return apply
