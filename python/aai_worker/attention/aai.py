"""AAI, "Align Attention with Image": x <- alpha * |x| * r + beta * x on the logits x of image keys.

r is the normalised vision reference, one value per image key. PAI is the special case r = 1 and beta = 1
without a warm-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .row_edit import References, RowEdit, attention_method, normalised
from .scatter import scatter


@attention_method("aai", References(modes=lambda parameters: [parameters.mode], weigh=normalised))
def batch_edits(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, at each row's columns -> the function that edits the logits (see `BatchEdits`)."""
    gain = scatter(columns, [edit.reference for edit in edits], rest=0.0)
    gain *= torch.tensor([edit.parameters.alpha for edit in edits], device=gain.device)[:, None, None, None]
    slope = scatter(columns, [edit.parameters.beta for edit in edits], rest=1.0)
    width = gain.shape[-1]  # Image keys end within the prompt, while K grows with the answer.

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = gain * x.abs() + slope * x
        return logits

    return apply
