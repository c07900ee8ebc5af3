"""HGAI, "Devils in Middle Layers" (CVPR 2025): x <- x + alpha * mean over heads of |x| on image keys.

Heads guide one another: what all of them look at is raised in each.
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
        logits[..., :width] = x + gain * x.abs().mean(dim=(1, 2), keepdim=True)
        return logits

    return apply
