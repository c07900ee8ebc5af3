"""The keys and values of every row's own tokens, from the last prompt token on: column i holds its i-th one.

Rows may be of any age: each writes its next column, whatever the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
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

    def select(self, rows: Sequence[int]) -> None:
        """Row i becomes what row `rows[i]` was. Only rows that change are copied."""
        changed = [row for row, source in enumerate(rows) if row != source]
        if changed:
            used = max(self.ages) + 1
            to = torch.tensor(changed)
            source = torch.tensor([rows[row] for row in changed])
            for layer in self.layers:
                layer.copy(source, to, len(rows), used)
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
            layer.make_room(row + 1, count + 1)
            layer.keys[row, :, 1 : count + 1], layer.values[row, :, 1 : count + 1] = keys, values


class _Layer(CacheLayerMixin):
    """[row capacity, Hkv, column capacity, D]: zero, or left over, where nothing was written."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.width = 0  # columns in use, the next one included
        self.column: int | tuple[Tensor, Tensor] = 0  # written next: of all rows, or (row, its column)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys = key_states.new_zeros(0, key_states.shape[1], 0, key_states.shape[3])
        self.values = value_states.new_zeros(0, value_states.shape[1], 0, value_states.shape[3])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """[R, Hkv, 1, D] -> the keys and values of all columns in use."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        rows = len(key_states)
        self.make_room(rows, self.width)
        at = (slice(rows), slice(None), self.column)
        if not isinstance(self.column, int):
            at = (self.column[0], slice(None), self.column[1])
        self.keys[at], self.values[at] = key_states[:, :, 0], value_states[:, :, 0]
        return self.keys[:rows, :, : self.width], self.values[:rows, :, : self.width]

    def make_room(self, rows: int, width: int) -> None:
        old = self.keys
        if len(old) >= rows and old.shape[2] >= width:
            return
        if old.shape[2] < width:
            width = max(_FIRST_COLUMNS, width, 2 * old.shape[2])
        rows, width = max(rows, len(old)), max(width, old.shape[2])
        self.keys, self.values = _grown(self.keys, rows, width), _grown(self.values, rows, width)

    def copy(self, source: Tensor, to: Tensor, rows: int, used: int) -> None:
        if not self.is_initialized:  # memory ran out in the first step of all
            return
        self.make_room(rows, used)
        source, to = source.to(self.keys.device), to.to(self.keys.device)
        for tensor in (self.keys, self.values):
            tensor[to, :, :used] = tensor[source, :, :used]

    def get_seq_length(self) -> int:
        return max(self.width - 1, 0)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


def _grown(old: Tensor, rows: int, width: int) -> Tensor:
    new = old.new_zeros(rows, old.shape[1], width, old.shape[3])
    new[: len(old), :, : old.shape[2]] = old
    return new
