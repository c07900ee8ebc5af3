"""AAI, "Align Attention with Image": x <- alpha * |x| * r + beta * x on the logits x of image keys.

r is the normalised vision reference. PAI is the special case r = 1, beta = 1 without a warm-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .row_edit import References, RowEdit, attention_method, normalised
from .spread import spread


@attention_method("aai", References(modes=lambda parameters: [parameters.mode], weigh=normalised))
def stack(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, on these columns -> a function on their logits, [R, Hkv, G, K] float32, in place."""
    gain = spread(columns, [edit.reference for edit in edits], rest=0.0)
    gain *= torch.tensor([edit.parameters.alpha for edit in edits], device=gain.device)[:, None, None, None]
    slope = spread(columns, [edit.parameters.beta for edit in edits], rest=1.0)
    width = gain.shape[-1]  # image keys end within the prompt, K grows

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = gain * x.abs() + slope * x
        return logits

    return apply
