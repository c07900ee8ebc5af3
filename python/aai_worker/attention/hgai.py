"""HGAI, "Devils in Middle Layers" (CVPR 2025): x <- x + alpha * mean over heads of |x| on image keys.

The mean of |x| is over all heads of the layer: an image key that many heads attend to is raised in each head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .row_edit import RowEdit, attention_method
from .scatter import scatter


@attention_method("hgai")
def batch_edits(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, at each row's columns -> the function that edits the logits (see `BatchEdits`)."""
    gain = scatter(columns, [edit.parameters.alpha for edit in edits], rest=0.0)
    width = gain.shape[-1]  # Image keys end within the prompt, while K grows with the answer.

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = x + gain * x.abs().mean(dim=(1, 2), keepdim=True)
        return logits

    return apply
