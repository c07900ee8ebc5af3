"""The tensors of all live rows: cache, mask, positions, and what is fed next.

Exact split: every prompt's `prompt[:-1]` is prefilled once with plain attention, its cache is copied to its
rows, and the last prompt token is fed as the first step of length 1. So attention is edited in steps of one
query only, with the same result as an edit of the last query in one full prefill, and a baseline and any
number of edited rows share one prefill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import DynamicCache

from .attention import AttentionStep
from .errors import Cancelled
from .models import Model

# Prompts are prefilled together up to about this many tokens: more gains no speed and costs memory.
_PREFILL_TOKENS = 8192


class Tail:
    """Where the cache of a sequence ends: newest key and value, and what comes before. Outlives its row."""

    def __init__(self, newest: Tensor, column: int, position: Tensor, previous: Tail | None) -> None:
        self.newest = newest  # [layer, 2, Hkv, D]
        self.column = column  # among the keys of the batch
        self.position = position  # [1]
        self.twin: Tail | None = None  # where the same sequence stands in another batch
        self._previous = previous

    @property
    def previous(self) -> Tail:
        assert self._previous is not None, "the last prompt token is where every answer starts"
        return self._previous

    def columns(self) -> list[int]:
        """Of the answer's tokens so far, in order."""
        return [tail.column for tail in self.chain()]

    def chain(self) -> list[Tail]:
        """The tails of the answer's tokens so far, in order; that of the last prompt token is left out."""
        tails, tail = [], self
        while tail._previous is not None:
            tails.append(tail)
            tail = tail._previous
        return tails[::-1]


class Batch:
    """Row i of every tensor belongs to one sequence; the caller keeps its records in the same order."""

    def __init__(self, model: Model, cache: DynamicCache, mask: Tensor, fed: Tensor) -> None:
        self.model = model
        self.stop_ids = model.stop_ids
        self.cache = cache
        self.mask = mask  # [R, K] bool over all keys and the one fed next, False = padding
        self.positions = mask.sum(dim=1, keepdim=True) - 1  # [R, 1], of what is fed next
        self.fed = fed  # [R, 1, hidden]
        self.steps = 0
        self.tails: list[Tail] | None = None  # per row, before what is fed next; kept on request
        self._prompt_width = mask.shape[1]

    def step(self, attention: AttentionStep | None) -> Tensor:
        """Feeds one token per row; logits [R, V] float32 of the next ones."""
        self.steps += 1
        mask = None if bool(self.mask.all()) else self.mask
        return self.model.forward(self.fed, mask, self.positions, self.cache, attention)

    def step_layers(self, attention: AttentionStep | None, layers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """As `step`, and the logits [layer, R, V] of early exits: of the states after so many layers."""
        self.steps += 1
        mask = None if bool(self.mask.all()) else self.mask
        return self.model.forward_layers(self.fed, mask, self.positions, self.cache, attention, layers)

    def keep_tails(self) -> None:
        """From now on `tails` says where every row stands, so that it can be taken up from there again."""
        self.tails = []

    def advance(self, parents: list[int], tokens: list[int], resumed: dict[int, Tail] | None = None) -> None:
        """Row i now continues the old row `parents[i]` with `tokens[i]`: rows leave, fork, change places.

        A resumed row continues a tail instead; its parent, any row with the same prompt, lends the prompt.
        """
        if self.tails is not None:
            self._extend_tails(parents)
        self.select(parents)
        for row, tail in (resumed or {}).items():
            self._resume(row, tail)
        if resumed:
            self._crop()
        ids = torch.tensor(tokens, dtype=torch.long, device=self.model.device)
        self.fed = self.model.network.get_input_embeddings()(ids)[:, None]
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        self.positions = self.positions + 1

    def _extend_tails(self, parents: list[int]) -> None:
        assert self.tails is not None
        unique = sorted(set(parents))
        newest = torch.stack(
            [
                torch.stack([layer.keys[unique, :, -1], layer.values[unique, :, -1]])
                for layer in self.cache.layers
            ]
        )  # [layer, 2, unique, Hkv, D]
        column = self.mask.shape[1] - 1
        tails = {
            row: Tail(
                newest[:, :, index], column, self.positions[row], self.tails[row] if self.tails else None
            )
            for index, row in enumerate(unique)
        }
        self.tails = [tails[parent] for parent in parents]

    def _resume(self, row: int, tail: Tail) -> None:
        chain, columns = tail.chain(), tail.columns()
        self.mask[row, self._prompt_width :] = False
        if chain:  # else the row begins anew, at the end of the prompt
            newest = torch.stack([one.newest for one in chain], dim=3)  # [layer, 2, Hkv, tokens, D]
            for layer, (keys, values) in zip(self.cache.layers, newest, strict=True):
                layer.keys[row, :, columns], layer.values[row, :, columns] = keys, values
            self.mask[row, columns] = True
        self.positions[row] = tail.position
        assert self.tails is not None
        self.tails[row] = tail

    def _crop(self) -> None:
        """Columns at the end that no row has any longer."""
        width = int(self.mask.any(dim=0).nonzero().max()) + 1
        self.mask = self.mask[:, :width]
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[:, :, :width], layer.values[:, :, :width]

    def select(self, parents: list[int]) -> None:
        if parents == list(range(len(self.fed))):
            return
        index = torch.tensor(parents, dtype=torch.long, device=self.model.device)
        self.cache.batch_select_indices(index)
        self.mask, self.positions, self.fed = self.mask[index], self.positions[index], self.fed[index]


def prefill(
    model: Model, prompts: Sequence[Tensor], should_stop: Callable[[], bool], progress: Callable[[], None]
) -> Batch:
    """Embedded prompts, [P, hidden] each -> a batch with one row per prompt, padded on the left."""
    width = max(map(len, prompts))
    lengths = torch.tensor([[len(prompt)] for prompt in prompts], device=model.device)
    mask = torch.arange(width, device=model.device) >= width - lengths  # [R, P]
    embedded = torch.stack([_pad(prompt, width) for prompt in prompts])  # [R, P, hidden]
    size = max(1, _PREFILL_TOKENS // width)
    caches = []
    for start in range(0, len(prompts), size):
        if should_stop():
            raise Cancelled
        part = slice(start, start + size)
        caches.append(_prefill(model, embedded[part, :-1], mask[part, :-1]))
        progress()
    return Batch(model, _join(caches), mask, embedded[:, -1:])


def _prefill(model: Model, embedded: Tensor, mask: Tensor) -> DynamicCache:
    cache = model.create_cache()
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    model.forward(embedded, None if bool(mask.all()) else mask, positions, cache, attention_step=None)
    return cache


def _pad(prompt: Tensor, width: int) -> Tensor:
    return torch.cat([prompt.new_zeros(width - len(prompt), prompt.shape[1]), prompt])


def _join(caches: list[DynamicCache]) -> DynamicCache:
    if len(caches) == 1:
        return caches[0]
    for index, layer in enumerate(caches[0].layers):
        layer.keys = torch.cat([cache.layers[index].keys for cache in caches])
        layer.values = torch.cat([cache.layers[index].values for cache in caches])
    return caches[0]
