"""PAI, "Paying More Attention to Image" (ECCV 2024): x <- x + alpha * |x| on the logits x of image keys.

It applies from the step that chooses the first token, without a warm-up. It is AAI with r = 1 and beta = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .boost import boost
from .row_edit import RowEdit, attention_method
from .scatter import scatter


@attention_method("pai")
def batch_edits(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, at each row's columns -> the function that edits the logits (see `BatchEdits`)."""
    return boost(scatter(columns, [edit.parameters.alpha for edit in edits], rest=0.0))
