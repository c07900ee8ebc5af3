"""The columns of a step's attention: the one place that turns a row's key positions into columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class KeyLayout(NamedTuple):
    """Prompts, without their last token, have the columns below `width`, a row's own tokens those behind.

    The key positions of a row count from 0. Its first `shared` positions belong to its prompt; that is less
    than `width` where another row's prompt is longer.
    """

    width: int

    def columns(self, positions: Sequence[int], shared: int) -> list[int]:
        """The columns of these key positions of one row."""
        return [key if key < shared else self.width + key - shared for key in positions]

    def place(self, positions: Tensor, shared: int) -> Tensor:
        """As `columns`, for positions [n] int64 on a device: an image has hundreds of them."""
        return torch.where(positions < shared, positions, positions + self.width - shared)

    def mask(self, positions: Sequence[Sequence[int]], shared: Sequence[int]) -> Tensor:
        """[R, K] bool, True in the columns of each row's positions; the last column is the last True."""
        return mark([self.columns(*row) for row in zip(positions, shared, strict=True)])

    def answer(self, count: int) -> slice:
        """The columns of the answer's first `count` tokens; column `width` is the last prompt token's."""
        return slice(self.width + 1, self.width + 1 + count)


def mark(columns: Sequence[Sequence[int]]) -> Tensor:
    """[R, K] bool, True in these columns of each row; the last column is the last True of any row."""
    marked = torch.zeros(len(columns), max(map(max, columns)) + 1, dtype=torch.bool)
    for row, own in enumerate(columns):
        marked[row, own] = True
    return marked
