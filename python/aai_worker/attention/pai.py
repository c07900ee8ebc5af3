"""PAI, "Paying More Attention to Image" (ECCV 2024): x <- x + alpha * |x| on the logits x of image keys.

From the step on that chooses the first token, without a warm-up: AAI with r = 1 and beta = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .boost import boost
from .row_edit import RowEdit, attention_method
from .spread import spread


@attention_method("pai")
def stack(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, on these columns -> a function on their logits, [R, Hkv, G, K] float32, in place."""
    return boost(spread(columns, [edit.parameters.alpha for edit in edits], rest=0.0))
