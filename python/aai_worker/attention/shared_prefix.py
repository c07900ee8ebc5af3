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
    far = _unstack(_stack(query, prefix) @ prefix.keys[layer].transpose(2, 3), prefix)
    return torch.cat([far, query @ own.transpose(2, 3)], dim=-1)


def join_values(weights: Tensor, own: Tensor, prefix: SharedPrefix, layer: int) -> Tensor:
    """`weights` [R, Hkv, G', P + T], `own` values [R, Hkv, T, D] -> [R, Hkv, G', D]."""
    far, near = weights[..., : prefix.width], weights[..., prefix.width :]
    return _unstack(_stack(far, prefix) @ prefix.values[layer], prefix) + near @ own


def _stack(rows: Tensor, prefix: SharedPrefix) -> Tensor:
    """[R, Hkv, G', X] -> [G, Hkv, S * G', X], the rows of a prompt being one matrix; free slots are zero."""
    if prefix.spots is not None:
        spread = rows.new_zeros(len(prefix.keys[0]), prefix.slots, *rows.shape[1:])
        spread[prefix.spots] = rows
    elif prefix.slots == 1:
        return rows
    else:
        spread = rows.unflatten(0, (-1, prefix.slots))
    return spread.transpose(1, 2).flatten(2, 3)


def _unstack(stacked: Tensor, prefix: SharedPrefix) -> Tensor:
    """The inverse."""
    if prefix.spots is None and prefix.slots == 1:
        return stacked
    spread = stacked.unflatten(2, (prefix.slots, -1)).transpose(1, 2)  # [G, S, Hkv, G', X]
    return spread.flatten(0, 1) if prefix.spots is None else spread[prefix.spots]
