"""VAF, "ClearSight" (CVPR 2025): image logits times `enhance`, system-prompt logits times `suppress`.

The system prompt is whatever stands before the first image key; the published code has 35 such keys built in.
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
    factor = torch.ones(len(edits), 1, 1, width, device=edits[0].keys.device)
    for row, edit in enumerate(edits):
        factor[row, 0, 0, : int(edit.keys.min())] = edit.parameters.suppress  # padding too: it stays masked
        factor[row, 0, 0, edit.keys] = edit.parameters.enhance

    def apply(logits: Tensor) -> Tensor:
        logits[..., :width] *= factor
        return logits

    return apply
