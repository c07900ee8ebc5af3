"""The keys and values of every row's own tokens, from the last prompt token on: column i holds its i-th one.

Rows may be of any age: each writes its next column, whatever the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from ..attention import Mirrored

_FIRST_COLUMNS = 32


class Suffix(Cache):
    """What transformers' decoders call a cache. `cross_layers` attend to no token of a row's own."""

    def __init__(self, layers: int, cross_layers: frozenset[int]) -> None:
        self.ages: list[int] = []  # per row: columns written
        # Per row: the row it was at the last selection, and how many columns it has from there at least.
        self._origins: list[int] = []
        self._kept: list[int] = []
        self._written = [_Layer() for _ in range(layers - len(cross_layers))]
        own = iter(self._written)
        super().__init__(layers=[_Nothing() if i in cross_layers else next(own) for i in range(layers)])

    def begin(self, device: torch.device) -> Tensor | None:
        """Before a step that writes one column per row. [R, columns] bool, what each may see; None = all."""
        ages, width = self.ages, max(self.ages) + 1
        column: int | Mirrored = ages[0]
        mask = None
        if min(ages) < max(ages):
            written = torch.tensor(ages, device=device)
            column = Mirrored(torch.stack([torch.arange(len(ages), device=device), written]))
            mask = torch.arange(width, device=device) <= written[:, None]
        for layer in self._written:
            layer.column, layer.width = column, width
        return mask

    def join(self, count: int) -> None:
        """New rows behind the others."""
        self.ages += [0] * count
        self._origins += [-1] * count
        self._kept += [0] * count

    def select(self, rows: Sequence[int]) -> None:
        """Row i becomes what row `rows[i]` was. Only rows that change are copied.

        Where both were one row at the last selection, only what came since: OPERA's candidates of one beam.
        """
        moves = [(source, row) for row, source in enumerate(rows) if row != source]
        near = [move for move in moves if self._were_one(*move)]
        far = [move for move in moves if not self._were_one(*move)]
        written = [layer for layer in self._written if layer.is_initialized]  # all, unless memory ran out
        if moves and written:
            used, device = max(self.ages) + 1, written[0].keys.device
            copies = []
            for part, first in ((near, min((self._kept[row] for _, row in near), default=0)), (far, 0)):
                if part:
                    copies.append(_Copy(Mirrored(torch.tensor(part, device=device).T), slice(first, used)))
            for layer in written:
                layer.copy(copies, len(rows), used)
        self.ages = [self.ages[row] for row in rows]
        self._origins, self._kept = list(rows), list(self.ages)

    def _were_one(self, source: int, row: int) -> bool:
        return row < len(self._kept) and self._kept[row] > 0 and self._origins[row] == self._origins[source]

    def read(self, rows: Sequence[int]) -> Tensor:
        """The column that each of these rows wrote last: [layer, 2, row, Hkv, D], of layers that have any."""
        columns = [self.ages[row] for row in rows]
        device = self._written[0].keys.device
        return torch.stack(
            [
                torch.stack([layer.keys[rows, :, columns], layer.values[rows, :, columns]]).to(device)
                for layer in self._written
            ]
        )

    def write(self, row: int, columns: Tensor) -> None:
        """[layer, 2, Hkv, n, D] -> columns 1 to n: all behind the last prompt token's."""
        count = columns.shape[3]
        for layer, (keys, values) in zip(self._written, columns, strict=True):
            layer.make_room(row + 1, count + 1)
            layer.keys[row, :, 1 : count + 1], layer.values[row, :, 1 : count + 1] = keys, values
        self._kept[row], self._origins[row] = 0, -1


class _Copy(NamedTuple):
    moves: Mirrored  # [2, n]: from rows, to rows
    columns: slice


class _Layer(CacheLayerMixin):
    """[row capacity, Hkv, column capacity, D]: zero, or left over, where nothing was written."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.width = 0  # columns in use, the next one included
        self.column: int | Mirrored = 0  # written next: of all rows, or [2, R] of each row, its column

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
        if isinstance(self.column, int):
            at = (slice(rows), slice(None), self.column)
        else:
            row, column = self.column.on(key_states.device)
            at = (row, slice(None), column)
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

    def copy(self, copies: Sequence[_Copy], rows: int, used: int) -> None:
        self.make_room(rows, used)
        moves = [copy.moves.on(self.keys.device) for copy in copies]
        for tensor in (self.keys, self.values):
            # All are read before any is written: a row may be both.
            read = [tensor[source, :, copy.columns] for (source, _), copy in zip(moves, copies, strict=True)]
            for (_, to), copy, values in zip(moves, copies, read, strict=True):
                tensor[to, :, copy.columns] = values

    def get_seq_length(self) -> int:
        return max(self.width - 1, 0)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


class _Nothing(_Layer):
    """Of a layer that attends to the image alone."""

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        return key_states, value_states


def _grown(old: Tensor, rows: int, width: int) -> Tensor:
    new = old.new_zeros(rows, old.shape[1], width, old.shape[3])
    new[: len(old), :, : old.shape[2]] = old
    return new
