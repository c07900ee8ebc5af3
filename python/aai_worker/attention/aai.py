"""AAI, "Align Attention with Image": x <- alpha * |x| * r + beta * x on the logits x of image keys.

r is the normalised vision reference. PAI is the special case r = 1, beta = 1 without a warm-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .plan import RowEdit


def stack(edits: Sequence[RowEdit]) -> Callable[[Tensor], Tensor]:
    """One edit per row -> a function on these rows' logits, [R, Hkv, G, K] float32, changed in place."""
    width = max(int(edit.keys.max()) for edit in edits) + 1  # image keys end within the prompt, K grows
    device = edits[0].keys.device
    gain = torch.zeros(len(edits), 1, 1, width, device=device)  # alpha * r on image keys, 0 elsewhere
    slope = torch.ones_like(gain)  # beta on image keys, 1 elsewhere
    for row, edit in enumerate(edits):
        gain[row, 0, 0, edit.keys] = edit.parameters.alpha * edit.reference
        slope[row, 0, 0, edit.keys] = edit.parameters.beta

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = gain * x.abs() + slope * x
        return logits

    return apply
