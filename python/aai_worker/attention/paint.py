"""PAINT, "Paying Attention to Informed Tokens" (arXiv 2501.12206): x <- x + w * |x| on image keys.

What the vision encoder's CLS token attends to tells two sets of patches. Local ones are the quarter that it
attends to most in its first layer: w = alpha. Summary ones collect its attention in the last layer but one,
above the third quartile by more than 1.5 times the interquartile range: w = beta, where a patch is in both
sets, too. All others stay as they are. As hasanar1f/PAINT has it (clip_encoder.py, attention.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..vision.reference import cls_mode
from .boost import boost
from .row_edit import References, RowEdit, attention_method
from .spread import spread

_LOCAL = 0.25  # of the patches


def find_weights(parameters: Any, references: Sequence[Tensor]) -> Tensor:
    """CLS attention in the first layer and in the last but one, [patches] each -> w, [patches] float32."""
    first, late = references
    count = len(first)
    low, high = torch.quantile(late.double(), torch.tensor([0.25, 0.75], dtype=torch.float64))
    share = int((late > high + 1.5 * (high - low)).sum()) / count
    weights = torch.zeros(count)
    weights[first.topk(int(_LOCAL * count)).indices] = parameters.alpha
    weights[late.topk(int(share * count)).indices] = parameters.beta  # the released rounding, too
    return weights


@attention_method("paint", References(modes=lambda _: [cls_mode(0), cls_mode(-2)], weigh=find_weights))
def stack(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, on these columns -> a function on their logits, [R, Hkv, G, K] float32, in place."""
    return boost(spread(columns, [edit.reference for edit in edits], rest=0.0))
