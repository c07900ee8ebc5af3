"""Attention of prompts while they are prefilled, for the methods that change it there, too.

Most methods edit the newest query alone, and every prompt is prefilled plain, once for all its rows. VAF, as
released, edits every query behind the image, and SID's second stream hides image tokens from every query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .capped import cap
from .row_edit import METHODS, RowEdit


class PromptLayer(NamedTuple):
    """What one decoder layer attends to: B prompts of one length, Q queries of each."""

    number: int
    query: Tensor  # [B, Hq, Q, D]
    key: Tensor  # [B, Hkv, K, D]
    value: Tensor  # [B, Hkv, K, D]
    mask: Tensor | None  # [B, 1, Q, K], bool (True = may attend) or added to logits; None = causal
    scaling: float
    softcap: float | None
    plain: Callable[[Tensor | None], Tensor]  # the layer's own attention under a mask -> [B, Q, Hq, D]

    def logits(self, prompt: int, first: int) -> Tensor:
        """Of one prompt's queries from `first` on: [Q', Hkv, G, K] float32, scaled and capped, not masked."""
        key = self.key[prompt]  # [Hkv, K, D]
        grouped = self.query[prompt, :, first:].unflatten(0, (len(key), -1))  # [Hkv, G, Q', D]
        logits = (grouped @ key[:, None].transpose(2, 3)).float() * self.scaling
        if self.softcap is not None:
            logits = cap(logits, self.softcap)
        return logits.permute(2, 0, 1, 3)

    def weights(self, prompt: int, first: int, logits: Tensor) -> Tensor:
        """Masks these logits and takes their softmax over keys."""
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
    """What is done to the attention of prompts that are prefilled together."""

    whole: bool  # needs the last prompt token among the queries; its key is dropped afterwards

    def attend(self, layer: PromptLayer) -> Tensor:
        """The layer's output, [B, Q, Hq, D]."""
        ...


class PromptEdit(NamedTuple):
    """An edit of every query behind the image."""

    edit: RowEdit
    first: int  # query, behind the image
    order: Tensor | None  # [K] int64: where the prefill has the keys that are kept; None = where they stay


class PromptEdits:
    """Edits of prompts, in the order in which they apply, prompt by prompt."""

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
        """Computes the queries behind the image once more, into `output`."""
        first = min(one.first for one in edits)
        if first >= layer.query.shape[2]:
            return
        logits = layer.logits(prompt, first)
        before = logits.clone()
        for edit, own, order in edits:
            queries = logits[own - first :]
            kept = slice(None) if order is None else order.to(logits.device)
            columns = edit.keys.to(logits.device)
            apply = METHODS[edit.method]([edit] * len(queries), [columns] * len(queries))
            queries[..., kept] = apply(queries[..., kept])
        if torch.equal(logits, before):
            return  # so neutral parameters stay plain decoding, bit for bit: `plain` may round differently
        weights = layer.weights(prompt, first, logits).to(layer.value.dtype)
        mixed = weights.transpose(0, 1) @ layer.value[prompt, :, None]
        output[prompt, first:] = mixed.transpose(0, 1).flatten(1, 2)
