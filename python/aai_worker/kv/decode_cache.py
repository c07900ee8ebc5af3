"""The KV cache of the rows' own tokens: the last prompt token in column 0, the answer's tokens behind it.

Rows may differ in their number of tokens: every row writes its own next column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from ..attention import Mirrored

_FIRST_COLUMNS = 32


class DecodeCache(Cache):
    """A transformers `Cache` for decoding steps of one token per row.

    `cross_layers` are the decoder layers that attend to the image alone; nothing is cached in them.
    """

    def __init__(self, layers: int, cross_layers: frozenset[int]) -> None:
        self.ages: list[int] = []  # per row, the number of columns written
        # Per row: the row that it continued at the last `select`, and the columns it has from it at least.
        self._origins: list[int] = []
        self._kept: list[int] = []
        self._written = [_CacheLayer() for _ in range(layers - len(cross_layers))]
        own = iter(self._written)
        super().__init__(layers=[_CrossLayer() if i in cross_layers else next(own) for i in range(layers)])

    def begin(self, device: torch.device) -> Tensor | None:
        """Prepares a step that writes one column per row, its next.

        Returns [R, columns] bool, True where a row may attend, or None where every row may attend to all.
        """
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
        """Adds `count` empty rows behind the others."""
        self.ages += [0] * count
        self._origins += [-1] * count
        self._kept += [0] * count

    def select(self, rows: Sequence[int]) -> None:
        """Makes row i what row `rows[i]` was. Only rows that change are copied.

        Rows that continued the same row at the last selection differ in the columns since then only, and only
        those are copied. OPERA's candidates of one beam are such rows.
        """
        moves = [(source, row) for row, source in enumerate(rows) if row != source]
        siblings = [move for move in moves if self._share_history(*move)]
        others = [move for move in moves if not self._share_history(*move)]
        # All layers, unless memory ran out in the first step.
        written = [layer for layer in self._written if layer.is_initialized]
        if moves and written:
            used, device = max(self.ages) + 1, written[0].keys.device
            copies = []
            common = min((self._kept[row] for _, row in siblings), default=0)  # columns that siblings share
            for part, first in ((siblings, common), (others, 0)):
                if part:
                    copies.append(_RowCopy(Mirrored(torch.tensor(part, device=device).T), slice(first, used)))
            for layer in written:
                layer.copy(copies, len(rows), used)
        self.ages = [self.ages[row] for row in rows]
        self._origins, self._kept = list(rows), list(self.ages)

    def _share_history(self, source: int, row: int) -> bool:
        """Whether both rows continued the same row at the last selection."""
        return row < len(self._kept) and self._kept[row] > 0 and self._origins[row] == self._origins[source]

    def read(self, rows: Sequence[int]) -> Tensor:
        """The column that each of these rows wrote last: [layer, 2 (key, value), row, Hkv, D].

        Cross layers, in which nothing is cached, are left out.
        """
        columns = [self.ages[row] for row in rows]
        device = self._written[0].keys.device
        return torch.stack(
            [
                torch.stack([layer.keys[rows, :, columns], layer.values[rows, :, columns]]).to(device)
                for layer in self._written
            ]
        )

    def write(self, row: int, columns: Tensor) -> None:
        """Writes `columns` [layer, 2 (key, value), Hkv, n, D] to the row's columns 1 to n.

        Column 0, that of the last prompt token, stays.
        """
        count = columns.shape[3]
        for layer, (keys, values) in zip(self._written, columns, strict=True):
            layer.make_room(row + 1, count + 1)
            layer.keys[row, :, 1 : count + 1], layer.values[row, :, 1 : count + 1] = keys, values
        self._kept[row], self._origins[row] = 0, -1


class _RowCopy(NamedTuple):
    """Columns that are copied from some rows to others."""

    moves: Mirrored  # [2, n] int64: the rows that are read, the rows that are written
    columns: slice


class _CacheLayer(CacheLayerMixin):
    """One layer's keys and values, [row capacity, Hkv, column capacity, D].

    Where no row has written there are zeros or old values.
    """

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.width = 0  # the number of columns in use, with the one written next
        # The column that is written next: one for all rows, or [2, R] int64, each row's number and column.
        self.column: int | Mirrored = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys = key_states.new_zeros(0, key_states.shape[1], 0, key_states.shape[3])
        self.values = value_states.new_zeros(0, value_states.shape[1], 0, value_states.shape[3])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Writes the new keys and values [R, Hkv, 1, D]; returns those of all columns, [R, Hkv, width, D]."""
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
        """Grows the tensors to at least so many rows and columns; columns grow at least twofold."""
        old = self.keys
        if len(old) >= rows and old.shape[2] >= width:
            return
        if old.shape[2] < width:
            width = max(_FIRST_COLUMNS, width, 2 * old.shape[2])
        rows, width = max(rows, len(old)), max(width, old.shape[2])
        self.keys, self.values = _grown(self.keys, rows, width), _grown(self.values, rows, width)

    def copy(self, copies: Sequence[_RowCopy], rows: int, used: int) -> None:
        """Does all copies at once, as if all were read before any is written. `used`: columns in use."""
        self.make_room(rows, used)
        moves = [copy.moves.on(self.keys.device) for copy in copies]
        for tensor in (self.keys, self.values):
            # All are read before any is written, as a row may be read and written.
            read = [tensor[source, :, copy.columns] for (source, _), copy in zip(moves, copies, strict=True)]
            for (_, to), copy, values in zip(moves, copies, read, strict=True):
                tensor[to, :, copy.columns] = values

    def get_seq_length(self) -> int:
        return max(self.width - 1, 0)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


class _CrossLayer(_CacheLayer):
    """A decoder layer that attends to the image alone: it caches nothing."""

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        return key_states, value_states


def _grown(old: Tensor, rows: int, width: int) -> Tensor:
    """A copy of `old` in a tensor [rows, Hkv, width, D], with zeros behind what it held."""
    new = old.new_zeros(rows, old.shape[1], width, old.shape[3])
    new[: len(old), :, : old.shape[2]] = old
    return new
