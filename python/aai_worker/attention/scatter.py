"""Puts values of each row's columns into one tensor for all rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def scatter(columns: Sequence[Tensor], values: Sequence[Tensor | float], rest: float) -> Tensor:
    """[R, 1, 1, W] float32 with `values[i]` at `columns[i]` of row i and `rest` elsewhere.

    `columns[i]` is [n] int64; `values[i]` is one number for all of them or [n] float32. W ends with the last
    column.
    """
    device = columns[0].device
    every = torch.cat(list(columns))
    counts = torch.tensor([len(one) for one in columns], device=device)
    rows = torch.arange(len(columns), device=device).repeat_interleave(counts)
    result = torch.full((len(columns), 1, 1, int(every.max()) + 1), rest, device=device)
    result[rows, 0, 0, every] = (
        torch.cat([one.to(device) for one in values])  # type: ignore[union-attr]
        if isinstance(values[0], Tensor)
        else torch.tensor(values, dtype=torch.float32, device=device).repeat_interleave(counts)
    )
    return result
