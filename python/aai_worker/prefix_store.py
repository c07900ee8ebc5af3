"""The prefixes of all live rows in one tensor a layer, each once, for attention to read as a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from .attention import SharedPrefix
from .prefix import Prefix


class PrefixStore:
    def __init__(self) -> None:
        self._held: list[Prefix] = []  # in place i of every tensor
        self._keys: list[Tensor] = []  # by layer, [capacity, Hkv, columns, D]; zero where nothing was written
        self._values: list[Tensor] = []

    def arrange(self, rows: Sequence[Prefix]) -> SharedPrefix:
        """Holds just what these rows continue, and says where each finds its own."""
        wanted = list(dict.fromkeys(rows))
        self._drop(set(wanted))
        held = set(self._held)
        self._add([prefix for prefix in wanted if prefix not in held])
        places = {prefix: place for place, prefix in enumerate(self._held)}
        taken: Counter[int] = Counter()
        spots = []  # [R] (place, slot)
        for prefix in rows:
            place = places[prefix]
            spots.append((place, taken[place]))
            taken[place] += 1
        slots = max(taken.values())
        count, width = len(self._held), max(map(len, self._held))
        device = self._keys[0].device
        in_order = count * slots == len(rows) and all(
            place * slots + slot == row for row, (place, slot) in enumerate(spots)
        )
        lengths = [len(prefix) for prefix in rows]
        mask = None
        if min(lengths) < width:
            mask = torch.arange(width, device=device) < torch.tensor(lengths, device=device)[:, None]
        return SharedPrefix(
            keys=[keys[:count, :, :width] for keys in self._keys],
            values=[values[:count, :, :width] for values in self._values],
            width=width,
            slots=slots,
            spots=None if in_order else torch.tensor(spots, device=device).unbind(dim=1),
            mask=mask,
        )

    def _drop(self, wanted: set[Prefix]) -> None:
        """The last ones move into the places of those that go."""
        for place in reversed(range(len(self._held))):
            if self._held[place] in wanted:
                continue
            last = self._held.pop()
            if place == len(self._held):
                continue
            self._held[place] = last
            for tensor in (*self._keys, *self._values):
                tensor[place] = tensor[len(self._held)]
        if not self._held:
            self._keys, self._values = [], []

    def _add(self, new: Sequence[Prefix]) -> None:
        if not new:
            return
        first = len(self._held)
        self._held += new
        if len(self._held) == 1:  # one prompt needs no copy
            self._keys = [keys[None] for keys in new[0].keys]
            self._values = [values[None] for values in new[0].values]
            return
        self._make_room()
        for place, prefix in enumerate(new, start=first):
            for stored, tensors in ((self._keys, prefix.keys), (self._values, prefix.values)):
                for tensor, one in zip(stored, tensors, strict=True):
                    tensor[place, :, : len(prefix)] = one

    def _make_room(self) -> None:
        count, columns = len(self._held), max(map(len, self._held))
        capacity = len(self._keys[0]) if self._keys else 0
        if self._keys and capacity >= count and self._keys[0].shape[2] >= columns:
            return
        if self._keys:
            columns = max(columns, self._keys[0].shape[2])
            count = max(count, capacity)
        self._keys = [
            _grown(layer, count, columns, self._held[0].keys[i]) for i, layer in self._each(self._keys)
        ]
        self._values = [
            _grown(layer, count, columns, self._held[0].values[i]) for i, layer in self._each(self._values)
        ]

    def _each(self, layers: list[Tensor]) -> list[tuple[int, Tensor | None]]:
        return list(enumerate(layers or [None] * len(self._held[0].keys)))


def _grown(old: Tensor | None, count: int, columns: int, like: Tensor) -> Tensor:
    new = like.new_zeros(count, like.shape[0], columns, like.shape[2])
    if old is not None:
        new[: len(old), :, : old.shape[2]] = old
    return new
