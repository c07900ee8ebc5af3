"""VAF, "ClearSight" (CVPR 2025): image logits times `enhance`, system-prompt logits times `suppress`.

The system prompt is whatever stands before the first image key; the released code has 35 such keys built in.
It edits every query behind the image, those of the prompt too (AttnAdapter.py, lines 73 to 78): `prefill.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .row_edit import RowEdit, attention_method
from .spread import spread


@attention_method("vaf")
def stack(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, on these columns -> a function on their logits, [R, Hkv, G, K] float32, in place."""
    factor = spread(columns, [edit.parameters.enhance for edit in edits], rest=1.0)
    for row, (edit, own) in enumerate(zip(edits, columns, strict=True)):
        factor[row, 0, 0, : int(own.min())] = edit.parameters.suppress
    width = factor.shape[-1]

    def apply(logits: Tensor) -> Tensor:
        logits[..., :width] *= factor
        return logits

    return apply
