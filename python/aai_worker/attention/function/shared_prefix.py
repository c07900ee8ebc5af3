"""Attention over a prompt that several rows share: its keys and values are read once for all of them.

Every row attends to [its prompt | its own tokens] under one softmax. The rows of one prompt are the queries
of one matrix product, so that a batch costs the memory traffic of its prompts, not of its rows.
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
    """The prompts of R rows in one layer, on its device: N prompts with S slots each, a slot for each row."""

    keys: Tensor  # [N, Hkv, P, D]; shorter prompts are padded on the right
    values: Tensor  # [N, Hkv, P, D]
    slot_count: int  # S
    slots: Tensor | None  # [2, R] int64, each row's prompt and slot; None = row i has slot i, none is free
    mask: Tensor | None  # [R, 1, 1, P + own] bool, True = may attend; None = all
    # [R, 1, 1, 1] bool, True = the row has no key in this layer; None = all rows have some.
    blind: Tensor | None


class SharedPrefix:
    """The prompts of R rows in all layers.

    It is no tuple on purpose: accelerate copies what a tuple holds to the device of every layer.
    """

    def __init__(
        self,
        keys: Sequence[Tensor],  # by layer, as in `LayerPrefix`
        values: Sequence[Tensor],
        width: int,  # P in all layers but cross layers
        slot_count: int,
        slots: Tensor | None,
        seen: Tensor | None,  # [R, P] bool, True = a key of the row's own prompt; None = all are
        cross_layers: frozenset[int],  # layers that attend to the image alone, not to a row's own tokens
        cross_seen: Tensor | None,  # as `seen`, in cross layers
    ) -> None:
        self.layout = KeyLayout(width)
        # [R] bool, whether the row has an image; None without cross layers or where all rows have one.
        self.sees_image = None if cross_seen is None else cross_seen.any(dim=1)
        self._keys = keys
        self._values = values
        self._slot_count = slot_count
        self._slots = _mirror(slots)
        self._seen = seen
        self._mask: Mirrored | None = None
        self._cross_layers = cross_layers
        self._cross_mask = _mirror(None if cross_seen is None else cross_seen[:, None, None])
        self._blind = _mirror(None if self.sees_image is None else ~self.sees_image[:, None, None, None])

    def before(self, own: Tensor | None, columns: int) -> SharedPrefix:
        """For a step in which each row sees these of its own tokens, `own` [R, columns] bool; None = all."""
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
        """The prompts in one layer."""
        keys, cross = self._keys[layer], layer in self._cross_layers
        return LayerPrefix(
            keys,
            self._values[layer],
            self._slot_count,
            _on(self._slots, keys.device),
            _on(self._cross_mask if cross else self._mask, keys.device),
            _on(self._blind, keys.device) if cross else None,
        )


def join_logits(query: Tensor, own: Tensor, prefix: LayerPrefix) -> Tensor:
    """Logits [R, Hkv, G, P + T] of `query` [R, Hkv, G, D] with the prompt and `own` keys [R, Hkv, T, D]."""
    of_prompt = _by_row(_by_prompt(query, prefix) @ prefix.keys.transpose(2, 3), prefix)
    return torch.cat([of_prompt, query @ own.transpose(2, 3)], dim=-1)


def join_values(weights: Tensor, own: Tensor, prefix: LayerPrefix) -> Tensor:
    """The output [R, Hkv, G, D] of `weights` [R, Hkv, G, P + T] and `own` values [R, Hkv, T, D]."""
    width = prefix.keys.shape[2]
    of_prompt, of_own = weights[..., :width], weights[..., width:]
    return _by_row(_by_prompt(of_prompt, prefix) @ prefix.values, prefix) + of_own @ own


def _by_prompt(rows: Tensor, prefix: LayerPrefix) -> Tensor:
    """[R, Hkv, G, X] -> [N, Hkv, S * G, X], the rows of each prompt in one matrix; free slots are zero."""
    if prefix.slots is not None:
        slotted = rows.new_zeros(len(prefix.keys), prefix.slot_count, *rows.shape[1:])
        slotted[prefix.slots[0], prefix.slots[1]] = rows
    elif prefix.slot_count == 1:
        return rows
    else:
        slotted = rows.unflatten(0, (-1, prefix.slot_count))
    return slotted.transpose(1, 2).flatten(2, 3)


def _by_row(prompts: Tensor, prefix: LayerPrefix) -> Tensor:
    """[N, Hkv, S * G, X] -> [R, Hkv, G, X], the inverse of `_by_prompt`."""
    if prefix.slots is None and prefix.slot_count == 1:
        return prompts
    slotted = prompts.unflatten(2, (prefix.slot_count, -1)).transpose(1, 2)  # [N, S, Hkv, G, X]
    return slotted.flatten(0, 1) if prefix.slots is None else slotted[prefix.slots[0], prefix.slots[1]]


def _mirror(tensor: Tensor | None) -> Mirrored | None:
    return None if tensor is None else Mirrored(tensor)


def _on(mirrored: Mirrored | None, device: torch.device) -> Tensor | None:
    return None if mirrored is None else mirrored.on(device)
