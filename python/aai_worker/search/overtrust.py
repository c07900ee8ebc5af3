"""OPERA's measure of over-trust (Huang et al., CVPR 2024), from the last decoder layer's attention.

A token of the answer that all later ones attend to strongly is an anchor that a hallucination may follow.
With w the attention among the answer's tokens, column j scores the product of sigma * w[i, j] over i >= j;
the highest column is the anchor, its score the penalty. Of the map only the products are kept, one a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..attention import KeyLayout

# In the released code, not in the paper.
_SCALE = 1e-7
_REWARDED = 10  # so many tokens are rewarded for attention to the image instead


class LastLayer:
    """Keeps the last layer's attention of the step just made, the maximum over heads."""

    def __init__(self, layers: int) -> None:
        self.layers = [layers - 1]
        self.attention = torch.empty(0)  # [R, column] float32
        self.layout = KeyLayout(0)

    def begin(self, layout: KeyLayout) -> None:
        """Before a step of rows whose keys stand so."""
        self.layout = layout

    def record(self, layer: int, weights: Tensor) -> None:
        self.attention = weights.amax(dim=1)

    def keep(self, rows: Sequence[int]) -> None:
        """Of these live rows only."""
        self.attention = self.attention[list(rows)]


class Overtrust(NamedTuple):
    penalty: Tensor  # [R] float32, taken from the logit
    anchors: list[int]  # [R], positions in the answer


def extend_products(products: Tensor, attention: Tensor, answer: Tensor, sigma: float) -> Tensor:
    """Products [R, L - 1] of the columns so far and the next token's attention [R, K] -> products [R, L].

    `answer` [R, L]: the share of `attention` that falls on the answer's tokens, this one included.
    """
    weights = answer / attention.sum(dim=1, keepdim=True)  # maxima over heads do not sum to 1
    return torch.cat([products, products.new_ones(len(products), 1)], dim=1) * (sigma * weights)


def measure_overtrust(
    products: Tensor, attention: Tensor, rewarded: list[int], dtype: torch.dtype
) -> Overtrust:
    """Products [R, L], attention [R, K]; `rewarded` columns of it. `dtype` that scores are kept in."""
    scores, anchors = (_SCALE * products).to(dtype).max(dim=1)
    if products.shape[1] > _REWARDED:
        return Overtrust(scores.float(), anchors.tolist())
    reward = (attention / attention.sum(dim=1, keepdim=True))[:, rewarded].sum(dim=1)
    return Overtrust(-reward, anchors.tolist())


def most_common(positions: Iterable[int]) -> int:
    """The smallest one of the most frequent, as `torch.mode`."""
    counts = Counter(positions)
    return min(counts, key=lambda position: (-counts[position], position))
