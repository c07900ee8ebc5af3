"""The prompts of all live rows, each held once, in one tensor per layer that attention reads as a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from ..attention import SharedPrefix
from .prefix import Prefix


class PrefixStore:
    """Holds the keys and values of the prompts that live rows continue, and drops those that none does."""

    def __init__(self, cross_layers: frozenset[int]) -> None:
        self._cross_layers = cross_layers
        self._held: list[Prefix] = []  # Prompt i is at index i of every tensor.
        # By layer, [capacity, Hkv, columns, D]. Where no prompt was written there are zeros or old values.
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def arrange(self, rows: Sequence[Prefix]) -> SharedPrefix:
        """Holds just the prompts of these rows, and says which prompt and which slot of it each row has."""
        wanted = list(dict.fromkeys(rows))
        self._drop(set(wanted))
        held = set(self._held)
        self._add([prefix for prefix in wanted if prefix not in held])
        places = {prefix: place for place, prefix in enumerate(self._held)}
        taken: Counter[int] = Counter()
        slots = []  # [R] (place, slot)
        for prefix in rows:
            place = places[prefix]
            slots.append((place, taken[place]))
            taken[place] += 1
        slot_count = max(taken.values())
        count = len(self._held)
        device = rows[0].last.device
        in_order = count * slot_count == len(rows) and all(
            place * slot_count + slot == row for row, (place, slot) in enumerate(slots)
        )
        width, cross_width = self._widths()
        columns = self._columns()
        return SharedPrefix(
            keys=[keys[:count, :, :used] for keys, used in zip(self._keys, columns, strict=True)],
            values=[values[:count, :, :used] for values, used in zip(self._values, columns, strict=True)],
            width=width,
            slot_count=slot_count,
            slots=None if in_order else torch.tensor(slots, device=device).T,
            seen=_seen([prefix.length for prefix in rows], width, device),
            cross_layers=self._cross_layers,
            cross_seen=_seen([prefix.cross_length for prefix in rows], cross_width, device)
            if self._cross_layers
            else None,
        )

    def _widths(self) -> tuple[int, int]:
        """The number of columns in use, and that of columns in use in cross layers."""
        return max(prefix.length for prefix in self._held), max(prefix.cross_length for prefix in self._held)

    def _columns(self) -> list[int]:
        """The number of columns in use, by layer."""
        width, cross_width = self._widths()
        layers = range(len(self._held[0].keys))
        return [cross_width if layer in self._cross_layers else width for layer in layers]

    def _drop(self, wanted: set[Prefix]) -> None:
        """Drops all prompts but the wanted ones. The last prompts move into the places that become free."""
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
        self._keys = self._with_room(self._keys, new[0].keys)
        self._values = self._with_room(self._values, new[0].values)
        for place, prefix in enumerate(new, start=first):
            for stored, tensors in ((self._keys, prefix.keys), (self._values, prefix.values)):
                for tensor, one in zip(stored, tensors, strict=True):
                    tensor[place, :, : one.shape[1]] = one

    def _with_room(self, layers: list[Tensor], like: Sequence[Tensor]) -> list[Tensor]:
        """The stored tensors by layer, grown where prompts need it. `like`: one prompt's tensors."""
        old = layers or [None] * len(like)
        return [
            _grown(tensor, len(self._held), used, one)
            for tensor, used, one in zip(old, self._columns(), like, strict=True)
        ]


def _seen(lengths: Sequence[int], width: int, device: torch.device) -> Tensor | None:
    """[R, width] bool, True in the first `lengths[i]` columns of row i; None where all would be True."""
    if min(lengths) == width > 0:
        return None
    return torch.arange(width, device=device) < torch.tensor(lengths, device=device)[:, None]


def _grown(old: Tensor | None, count: int, columns: int, like: Tensor) -> Tensor:
    """`old` or a larger copy: [>= count, Hkv, >= columns, D]. `like` [Hkv, *, D] has its dtype and device."""
    if old is not None and len(old) >= count and old.shape[2] >= columns:
        return old
    if old is None:
        return like.new_zeros(count, like.shape[0], columns, like.shape[2])
    new = like.new_zeros(max(count, len(old)), like.shape[0], max(columns, old.shape[2]), like.shape[2])
    new[: len(old), :, : old.shape[2]] = old
    return new
