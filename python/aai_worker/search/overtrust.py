"""OPERA's measure of over-trust (Huang et al., CVPR 2024), from the last decoder layer's attention.

A token of the answer that all later tokens attend to strongly is an anchor that a hallucination may follow.
Let w[i, j] be the attention that token i of the answer pays to token j. Column j has the score
prod sigma * w[i, j] over all i >= j. The column with the highest score is the anchor, and that score is the
penalty. Of the map w only these products are kept, one per column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..attention import KeyLayout

# Both constants are in the released code, not in the paper.
_SCALE = 1e-7
_REWARDED = 10  # The first ten tokens are rewarded for attention to the image instead of penalised.


class LastLayer:
    """An observer that keeps the last layer's attention of the step just made, the maximum over heads."""

    def __init__(self, layers: int) -> None:
        self.layers = [layers - 1]
        self.attention = torch.empty(0)  # [R, column] float32
        self.layout = KeyLayout(0)

    def begin(self, layout: KeyLayout) -> None:
        """Notes the layout of the step's keys."""
        self.layout = layout

    def record(self, layer: int, weights: Tensor) -> None:
        self.attention = weights.amax(dim=1)

    def keep(self, rows: Sequence[int]) -> None:
        """Keeps the attention of these live rows only."""
        self.attention = self.attention[list(rows)]


class Overtrust(NamedTuple):
    """The over-trust of each row."""

    penalty: Tensor  # [R] float32, subtracted from the logit; negative where attention is rewarded
    anchors: list[int]  # [R], positions in the answer


def extend_products(products: Tensor, attention: Tensor, answer: Tensor, sigma: float) -> Tensor:
    """The products [R, L] of all columns, after one more token of the answer.

    `products` [R, L - 1] are those before. `attention` [R, K] is what the token pays to all keys, `answer`
    [R, L] the part of it that goes to the answer's tokens, with the token itself.
    """
    weights = answer / attention.sum(dim=1, keepdim=True)  # Maxima over heads do not sum to 1.
    return torch.cat([products, products.new_ones(len(products), 1)], dim=1) * (sigma * weights)


def measure_overtrust(
    products: Tensor, attention: Tensor, rewarded: list[int], dtype: torch.dtype
) -> Overtrust:
    """The over-trust of rows with products [R, L] and attention [R, K].

    `rewarded` are the columns of attention that are rewarded at first. `dtype` is what scores are rounded to
    before the highest is found.
    """
    scores, anchors = (_SCALE * products).to(dtype).max(dim=1)
    if products.shape[1] > _REWARDED:
        return Overtrust(scores.float(), anchors.tolist())
    reward = (attention / attention.sum(dim=1, keepdim=True))[:, rewarded].sum(dim=1)
    return Overtrust(-reward, anchors.tolist())


def most_common(positions: Iterable[int]) -> int:
    """The most frequent position, the smallest of several, as `torch.mode` has it."""
    counts = Counter(positions)
    return min(counts, key=lambda position: (-counts[position], position))
