"""Edits of attention while prompts are prefilled.

Most methods edit the newest query alone; then a prompt is prefilled without an edit, once for all its rows.
VAF, as released, edits every query behind the image, and SID's second stream hides image tokens from every
query. Both act here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ..row_edit import METHODS, RowEdit
from .capped import cap


class PromptLayer(NamedTuple):
    """The attention of one decoder layer in a prefill: B prompts of one length, Q queries each."""

    number: int
    query: Tensor  # [B, Hq, Q, D]
    key: Tensor  # [B, Hkv, K, D]
    value: Tensor  # [B, Hkv, K, D]
    mask: Tensor | None  # [B, 1, Q, K]: bool, True = may attend, or float, added to logits; None = causal
    scaling: float
    softcap: float | None
    plain: Callable[[Tensor | None], Tensor]  # a mask -> the output without an edit, [B, Q, Hq, D]

    def logits(self, prompt: int, first: int) -> Tensor:
        """One prompt's logits from query `first` on, [Q', Hkv, G, K] float32: scaled, capped, not masked."""
        key = self.key[prompt]  # [Hkv, K, D]
        grouped = self.query[prompt, :, first:].unflatten(0, (len(key), -1))  # [Hkv, G, Q', D]
        logits = (grouped @ key[:, None].transpose(2, 3)).float() * self.scaling
        if self.softcap is not None:
            logits = cap(logits, self.softcap)
        return logits.permute(2, 0, 1, 3)

    def weights(self, prompt: int, first: int, logits: Tensor) -> Tensor:
        """The softmax over K of these logits [Q', Hkv, G, K], after masking."""
        if self.mask is None:
            count = self.query.shape[2]
            mask = torch.ones(count, count, dtype=torch.bool, device=logits.device).tril()[first:]
        else:
            mask = self.mask[prompt, 0, first:]  # [Q', K]
        mask = mask[:, None, None]
        if mask.dtype == torch.bool:
            return torch.softmax(logits.masked_fill(~mask, -torch.inf), dim=-1)
        return torch.softmax(logits + mask, dim=-1)


class PromptStep(Protocol):
    """A change of the attention of prompts that are prefilled together."""

    # Whether the last prompt token must be among the queries; its key and value are dropped afterwards.
    whole: bool

    def attend(self, layer: PromptLayer) -> Tensor:
        """The layer's attention output, [B, Q, Hq, D]."""
        ...


class PromptEdit(NamedTuple):
    """An edit of a prompt's queries behind the image."""

    edit: RowEdit
    first: int  # the first query behind the image
    # [K] int64: for each key position that is kept, its column in the prefill; None where they are the same.
    order: Tensor | None


class PromptEdits:
    """The edits of each prompt, in the order in which they apply."""

    whole = False

    def __init__(self, edits: Sequence[Sequence[PromptEdit]]) -> None:
        self._edits = edits

    def attend(self, layer: PromptLayer) -> Tensor:
        output = layer.plain(layer.mask)
        for prompt, edits in enumerate(self._edits):
            active = [one for one in edits if layer.number in one.edit.layers]
            if active:
                self._edit(layer, prompt, active, output)
        return output

    def _edit(self, layer: PromptLayer, prompt: int, edits: Sequence[PromptEdit], output: Tensor) -> None:
        """Writes the edited attention of one prompt's queries behind the image into `output`."""
        first = min(one.first for one in edits)
        if first >= layer.query.shape[2]:
            return
        logits = layer.logits(prompt, first)
        before = logits.clone()
        for edit, own, order in edits:
            queries = logits[own - first :]
            kept = slice(None) if order is None else order.to(logits.device)
            columns = edit.positions.to(logits.device)
            apply = METHODS[edit.method]([edit] * len(queries), [columns] * len(queries))
            queries[..., kept] = apply(queries[..., kept])
        if torch.equal(logits, before):
            return  # Neutral parameters keep the plain output, bit for bit: computed again it may differ.
        weights = layer.weights(prompt, first, logits).to(layer.value.dtype)
        mixed = weights.transpose(0, 1) @ layer.value[prompt, :, None]
        output[prompt, first:] = mixed.transpose(0, 1).flatten(1, 2)
