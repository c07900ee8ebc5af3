"""HGAI, "Devils in Middle Layers" (CVPR 2025): x <- x + alpha * mean over heads of |x| on image keys.

Heads guide one another: what all of them look at is raised in each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .row_edit import RowEdit, attention_method
from .spread import spread


@attention_method("hgai")
def stack(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, on these columns -> a function on their logits, [R, Hkv, G, K] float32, in place."""
    gain = spread(columns, [edit.parameters.alpha for edit in edits], rest=0.0)
    width = gain.shape[-1]  # image keys end within the prompt, K grows

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = x + gain * x.abs().mean(dim=(1, 2), keepdim=True)
        return logits

    return apply
