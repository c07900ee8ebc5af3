"""Where the keys of all rows stand in a step's attention: the one place that turns positions into columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class KeyLayout(NamedTuple):
    """Prompts stand at the left, but for their last token; behind them, from `width` on, a row's own tokens.

    A row's keys are numbered from 0. The first `shared` of them are its prefix's, fewer than `width` where
    another row's prompt is longer.
    """

    width: int

    def columns(self, keys: Sequence[int], shared: int) -> list[int]:
        """Of these keys of a row."""
        return [key if key < shared else self.width + key - shared for key in keys]

    def place(self, keys: Tensor, shared: int) -> Tensor:
        """As `columns`, on the device: an image may well have hundreds of keys."""
        return torch.where(keys < shared, keys, keys + self.width - shared)

    def mask(self, keys: Sequence[Sequence[int]], shared: Sequence[int]) -> Tensor:
        """[R, K] bool: the columns of these keys of each row, K up to the last one of any."""
        return mark([self.columns(*row) for row in zip(keys, shared, strict=True)])

    def answer(self, count: int) -> slice:
        """Columns of the answer's first `count` tokens; before them stands the last prompt token."""
        return slice(self.width + 1, self.width + 1 + count)


def mark(columns: Sequence[Sequence[int]]) -> Tensor:
    """[R, K] bool: these columns of each row, K up to the last one of any."""
    marked = torch.zeros(len(columns), max(map(max, columns)) + 1, dtype=torch.bool)
    for row, own in enumerate(columns):
        marked[row, own] = True
    return marked
