"""The keys and values of every row's own tokens, from the last prompt token on: column i holds its i-th one.

Rows may be of any age: each writes its next column, whatever the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, CacheLayerMixin

_FIRST_COLUMNS = 32


class Suffix(Cache):
    """What transformers' decoders call a cache."""

    layers: list[_Layer]

    def __init__(self, layers: int) -> None:
        self.ages: list[int] = []  # per row: columns written
        super().__init__(layers=[_Layer() for _ in range(layers)])

    def begin(self, device: torch.device) -> Tensor | None:
        """Before a step that writes one column per row. [R, columns] bool, what each may see; None = all."""
        ages, width = self.ages, max(self.ages) + 1
        column: int | tuple[Tensor, Tensor] = ages[0]
        mask = None
        if min(ages) < max(ages):
            written = torch.tensor(ages, device=device)
            column = (torch.arange(len(ages), device=device), written)
            mask = torch.arange(width, device=device) <= written[:, None]
        for layer in self.layers:
            layer.column, layer.width = column, width
        return mask

    def join(self, count: int) -> None:
        """New rows behind the others."""
        self.ages += [0] * count
        for layer in self.layers:
            layer.extend(count)

    def select(self, rows: Sequence[int]) -> None:
        """Row i becomes what row `rows[i]` was."""
        if list(rows) != list(range(len(self.ages))):
            used = max(self.ages) + 1
            index = torch.tensor(rows, dtype=torch.long)
            for layer in self.layers:
                layer.select(index, used)
        self.ages = [self.ages[row] for row in rows]

    def read(self, rows: Sequence[int]) -> Tensor:
        """The column that each of these rows wrote last: [layer, 2, row, Hkv, D]."""
        columns = [self.ages[row] for row in rows]
        return torch.stack(
            [
                torch.stack([layer.keys[rows, :, columns], layer.values[rows, :, columns]])
                for layer in self.layers
            ]
        )

    def write(self, row: int, columns: Tensor) -> None:
        """[layer, 2, Hkv, n, D] -> columns 1 to n: all behind the last prompt token's."""
        count = columns.shape[3]
        for layer, (keys, values) in zip(self.layers, columns, strict=True):
            layer.make_room(count + 1)
            layer.keys[row, :, 1 : count + 1], layer.values[row, :, 1 : count + 1] = keys, values


class _Layer(CacheLayerMixin):
    """[R, Hkv, capacity, D], zero where nothing was written."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.width = 0  # columns in use, the next one included
        self.column: int | tuple[Tensor, Tensor] = 0  # written next: of all rows, or (row, its column)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys = key_states.new_zeros(len(key_states), key_states.shape[1], 0, key_states.shape[3])
        self.values = value_states.new_zeros(
            len(value_states), value_states.shape[1], 0, value_states.shape[3]
        )
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """[R, Hkv, 1, D] -> the keys and values of all columns in use."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.make_room(self.width)
        if isinstance(self.column, int):
            self.keys[:, :, self.column], self.values[:, :, self.column] = (
                key_states[:, :, 0],
                value_states[:, :, 0],
            )
        else:
            rows, columns = self.column
            self.keys[rows, :, columns], self.values[rows, :, columns] = (
                key_states[:, :, 0],
                value_states[:, :, 0],
            )
        return self.keys[:, :, : self.width], self.values[:, :, : self.width]

    def make_room(self, width: int) -> None:
        if self.keys.shape[2] >= width:
            return
        more = max(_FIRST_COLUMNS, width, 2 * self.keys.shape[2]) - self.keys.shape[2]
        self.keys, self.values = (
            torch.cat([old, old.new_zeros(*old.shape[:2], more, old.shape[3])], dim=2)
            for old in (self.keys, self.values)
        )

    def extend(self, count: int) -> None:
        if self.is_initialized:
            self.keys, self.values = (
                torch.cat([old, old.new_zeros(count, *old.shape[1:])]) for old in (self.keys, self.values)
            )

    def select(self, rows: Tensor, used: int) -> None:
        if not self.is_initialized:  # memory ran out in the first step of all
            return
        rows = rows.to(self.keys.device)
        self.keys, self.values = (
            nn.functional.pad(old[:, :, :used].index_select(0, rows), (0, 0, 0, old.shape[2] - used))
            for old in (self.keys, self.values)
        )

    def get_seq_length(self) -> int:
        return max(self.width - 1, 0)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1
