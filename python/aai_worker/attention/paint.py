"""PAINT, "Paying Attention to Informed Tokens" (arXiv 2501.12206): x <- x + w * |x| on image keys.

The attention of the vision encoder's CLS token picks two sets of patches. Local patches are the quarter that
it attends to most in its first layer; they get w = alpha. Summary patches get attention in the last layer but
one that is above the third quartile by more than 1.5 times the interquartile range; they get w = beta, even
where they are local, too. All other patches have w = 0. The released code, hasanar1f/PAINT (clip_encoder.py,
attention.py), does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..vision.reference import cls_mode
from .boost import boost
from .row_edit import References, RowEdit, attention_method
from .scatter import scatter

_LOCAL = 0.25  # The share of patches that are local.


def find_weights(parameters: Any, references: Sequence[Tensor]) -> Tensor:
    """CLS attention in the first layer and in the last but one, both [patches] -> w [patches] float32."""
    first, late = references
    count = len(first)
    low, high = torch.quantile(late.double(), torch.tensor([0.25, 0.75], dtype=torch.float64))
    share = int((late > high + 1.5 * (high - low)).sum()) / count
    weights = torch.zeros(count)
    weights[first.topk(int(_LOCAL * count)).indices] = parameters.alpha
    weights[late.topk(int(share * count)).indices] = parameters.beta  # rounded down as released
    return weights


@attention_method("paint", References(modes=lambda _: [cls_mode(0), cls_mode(-2)], weigh=find_weights))
def batch_edits(edits: Sequence[RowEdit], columns: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """One edit per row, at each row's columns -> the function that edits the logits (see `BatchEdits`)."""
    return boost(scatter(columns, [edit.reference for edit in edits], rest=0.0))
