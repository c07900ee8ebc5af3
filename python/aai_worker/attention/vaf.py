"""VAF, "ClearSight" (CVPR 2025): image logits times `enhance`, system-prompt logits times `suppress`.

The system prompt is all that stands before the first image key; the released code assumes 35 such keys. Every
query behind the image is edited, those of the prompt, too (AttnAdapter.py, lines 73 to 78); the prompt's are
edited while it is prefilled, in `prefill.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .row_edit import RowEdit, attention_method
from .scatter import scatter


@attention_method("vaf")
def batch_edits(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, at each row's columns -> the function that edits the logits (see `BatchEdits`)."""
    factor = scatter(columns, [edit.parameters.enhance for edit in edits], rest=1.0)
    for row, (edit, own) in enumerate(zip(edits, columns, strict=True)):
        factor[row, 0, 0, : int(own.min())] = edit.parameters.suppress
    width = factor.shape[-1]

    def apply(logits: Tensor) -> Tensor:
        logits[..., :width] *= factor
        return logits

    return apply
