"""Attention over a prompt that several rows share: its keys and values are read once for all of them.

Every row attends to [its prompt | its own tokens] under one softmax. The rows of a prompt are stacked as
queries of one matrix product, so that a batch costs the memory traffic of its prompts, not of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class SharedPrefix(NamedTuple):
    """The prompts of R rows, G of them, at most S rows each; each stands at the left, padded on the right."""

    keys: Sequence[Tensor]  # by layer, [G, Hkv, P, D]
    values: Sequence[Tensor]
    width: int  # P
    slots: int  # S
    spots: tuple[Tensor, Tensor] | None  # each row's (prompt, slot), [R] both; None = in order, no slot free
    mask: Tensor | None  # bool, True = may attend: [R, P], and [R, 1, 1, P + own] in a step; None = all


def join_logits(query: Tensor, own: Tensor, prefix: SharedPrefix, layer: int) -> Tensor:
    """`query` [R, Hkv, G', D], G' heads to a key head, `own` keys [R, Hkv, T, D] -> [R, Hkv, G', P + T]."""
    keys = prefix.keys[layer]
    stacked = _spread(query, prefix).transpose(1, 2).flatten(2, 3)  # [G, Hkv, S * G', D]
    far = (
        (stacked @ keys.transpose(2, 3)).unflatten(2, (prefix.slots, -1)).transpose(1, 2)
    )  # [G, S, Hkv, G', P]
    near = query @ own.transpose(2, 3)  # [R, Hkv, G', T]
    if prefix.spots is not None:
        return torch.cat([far[prefix.spots], near], dim=-1)
    return torch.cat([far, near.unflatten(0, (-1, prefix.slots))], dim=-1).flatten(0, 1)


def join_values(weights: Tensor, own: Tensor, prefix: SharedPrefix, layer: int) -> Tensor:
    """`weights` [R, Hkv, G', P + T], `own` values [R, Hkv, T, D] -> [R, Hkv, G', D]."""
    far, near = weights[..., : prefix.width], weights[..., prefix.width :]
    stacked = _spread(far, prefix).transpose(1, 2).flatten(2, 3)  # [G, Hkv, S * G', P]
    output = (stacked @ prefix.values[layer]).unflatten(2, (prefix.slots, -1)).transpose(1, 2)
    gathered = output.flatten(0, 1) if prefix.spots is None else output[prefix.spots]
    return gathered + near @ own


def _spread(rows: Tensor, prefix: SharedPrefix) -> Tensor:
    """[R, ...] -> [G, S, ...]; free slots are zero."""
    if prefix.spots is None:
        return rows.unflatten(0, (-1, prefix.slots))
    spread = rows.new_zeros(len(prefix.keys[0]), prefix.slots, *rows.shape[1:])
    spread[prefix.spots] = rows
    return spread
