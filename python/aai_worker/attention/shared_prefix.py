"""Attention over a prompt that several rows share: its keys and values are read once for all of them.

Every row attends to [its prompt | its own tokens] under one softmax. The rows of a prompt are stacked as
queries of one matrix product, so that a batch costs the memory traffic of its prompts, not of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import torch
from torch import Tensor

from .layout import KeyLayout
from .mirrored import Mirrored


class LayerPrefix(NamedTuple):
    """The prompts of R rows, G of them, at most S rows each, in one layer and on its device."""

    keys: Tensor  # [G, Hkv, P, D]; each prompt stands at the left, padded on the right
    values: Tensor
    slots: int  # S
    spots: Tensor | None  # [2, R], each row's prompt and slot; None = in order, no slot free
    mask: Tensor | None  # [R, 1, 1, P + own] bool, True = may attend; None = all
    blind: Tensor | None  # [R, 1, 1, 1] bool: rows that have no key here; None = all have some


class SharedPrefix:
    """The same in all layers.

    No tuple on purpose: where a model is spread over devices, what a tuple holds is copied to each layer's.
    """

    def __init__(
        self,
        keys: Sequence[Tensor],  # by layer, as above
        values: Sequence[Tensor],
        width: int,  # P, but for cross layers
        slots: int,
        spots: Tensor | None,
        seen: Tensor | None,  # [R, P] bool, True = a key of the row's own prompt; None = all are
        cross_layers: frozenset[int],  # attend to the image alone, and to no token of a row's own
        cross_seen: Tensor | None,  # as `seen`, in those
    ) -> None:
        self.layout = KeyLayout(width)
        self.sees_image = None if cross_seen is None else cross_seen.any(dim=1)  # [R]; None = all do
        self._keys = keys
        self._values = values
        self._slots = slots
        self._spots = _mirror(spots)
        self._seen = seen
        self._mask: Mirrored | None = None
        self._cross_layers = cross_layers
        self._cross_mask = _mirror(None if cross_seen is None else cross_seen[:, None, None])
        self._blind = _mirror(None if self.sees_image is None else ~self.sees_image[:, None, None, None])

    def before(self, own: Tensor | None, columns: int) -> SharedPrefix:
        """For a step in which the rows see these of their own keys, [R, columns] bool; None = all."""
        if own is None and self._seen is None:
            return self
        like = own if own is not None else self._seen
        assert like is not None
        seen = like.new_ones(len(like), self.layout.width) if self._seen is None else self._seen
        own = like.new_ones(len(like), columns) if own is None else own
        step = copy(self)
        step._mask = Mirrored(torch.cat([seen, own], dim=1)[:, None, None])
        return step

    def at(self, layer: int) -> LayerPrefix:
        keys, cross = self._keys[layer], layer in self._cross_layers
        return LayerPrefix(
            keys,
            self._values[layer],
            self._slots,
            _on(self._spots, keys.device),
            _on(self._cross_mask if cross else self._mask, keys.device),
            _on(self._blind, keys.device) if cross else None,
        )


def join_logits(query: Tensor, own: Tensor, prefix: LayerPrefix) -> Tensor:
    """`query` [R, Hkv, G', D], G' heads to a key head, `own` keys [R, Hkv, T, D] -> [R, Hkv, G', P + T]."""
    far = _unstack(_stack(query, prefix) @ prefix.keys.transpose(2, 3), prefix)
    return torch.cat([far, query @ own.transpose(2, 3)], dim=-1)


def join_values(weights: Tensor, own: Tensor, prefix: LayerPrefix) -> Tensor:
    """`weights` [R, Hkv, G', P + T], `own` values [R, Hkv, T, D] -> [R, Hkv, G', D]."""
    width = prefix.keys.shape[2]
    far, near = weights[..., :width], weights[..., width:]
    return _unstack(_stack(far, prefix) @ prefix.values, prefix) + near @ own


def _stack(rows: Tensor, prefix: LayerPrefix) -> Tensor:
    """[R, Hkv, G', X] -> [G, Hkv, S * G', X], the rows of a prompt being one matrix; free slots are zero."""
    if prefix.spots is not None:
        spread = rows.new_zeros(len(prefix.keys), prefix.slots, *rows.shape[1:])
        spread[prefix.spots[0], prefix.spots[1]] = rows
    elif prefix.slots == 1:
        return rows
    else:
        spread = rows.unflatten(0, (-1, prefix.slots))
    return spread.transpose(1, 2).flatten(2, 3)


def _unstack(stacked: Tensor, prefix: LayerPrefix) -> Tensor:
    """The inverse."""
    if prefix.spots is None and prefix.slots == 1:
        return stacked
    spread = stacked.unflatten(2, (prefix.slots, -1)).transpose(1, 2)  # [G, S, Hkv, G', X]
    return spread.flatten(0, 1) if prefix.spots is None else spread[prefix.spots[0], prefix.spots[1]]


def _mirror(tensor: Tensor | None) -> Mirrored | None:
    return None if tensor is None else Mirrored(tensor)


def _on(mirrored: Mirrored | None, device: torch.device) -> Tensor | None:
    return None if mirrored is None else mirrored.on(device)
