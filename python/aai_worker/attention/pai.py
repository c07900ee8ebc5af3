"""PAI, "Paying More Attention to Image" (ECCV 2024): x <- x + alpha * |x| on the logits x of image keys.

From the step on that chooses the first token, without a warm-up: AAI with r = 1 and beta = 1.
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
    width = max(int(edit.keys.max()) for edit in edits) + 1
    gain = torch.zeros(len(edits), 1, 1, width, device=edits[0].keys.device)  # alpha on image keys, else 0
    for row, edit in enumerate(edits):
        gain[row, 0, 0, edit.keys] = edit.parameters.alpha

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = x + gain * x.abs()
        return logits

    return apply
