"""Edits that a user's plug-in declares (see `aai_worker.plugins`); the plug-in is called once per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from ..plugins.call import call_plugin
from .row_edit import References, RowEdit, attention_method, normalised


@attention_method("plugin", References(modes=lambda parameters: [parameters.mode], weigh=normalised))
def batch_edits(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, at each row's columns -> the function that edits the logits (see `BatchEdits`)."""

    def apply(logits: Tensor) -> Tensor:
        for row, edit, own in zip(logits, edits, columns, strict=True):
            assert edit.plugin is not None
            # The plug-in gets copies, as it may change them in place.
            reference, x = edit.reference.to(own.device, copy=True), row[..., own]
            offered = {"reference": reference, "layer": edit.layer, "generated": edit.generated}
            row[..., own] = call_plugin(edit.plugin, [x], offered)
        return logits

    return apply
