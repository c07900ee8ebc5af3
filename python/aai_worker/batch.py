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
from .models import Embedded, Model

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

    def __init__(
        self, model: Model, cache: DynamicCache, mask: Tensor, positions: Tensor, fed: Tensor
    ) -> None:
        self.model = model
        self.stop_ids = model.stop_ids
        self.cache = cache
        self.mask = mask  # [R, K] bool over all keys and the one fed next, False = padding
        self.positions = positions  # [R, 1], of what is fed next
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
        newest = torch.stack([one.newest for one in chain], dim=3)  # [layer, 2, Hkv, tokens, D]
        for layer, (keys, values) in zip(self.cache.layers, newest, strict=True):
            layer.keys[row, :, columns], layer.values[row, :, columns] = keys, values
        self.mask[row, self._prompt_width :] = False
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
    model: Model, prompts: Sequence[Embedded], should_stop: Callable[[], bool], progress: Callable[[], None]
) -> Batch:
    """A batch with one row per prompt, padded on the left."""
    lengths = [len(prompt.embedded) for prompt in prompts]
    width = max(lengths)
    parts = [
        indices[start : start + max(1, _PREFILL_TOKENS // length)]
        for length, indices in _by_length(lengths).items()
        for start in range(0, len(indices), max(1, _PREFILL_TOKENS // length))
    ]
    caches = []
    for part in parts:
        if should_stop():
            raise Cancelled
        caches.append(_pad(model.prefill([prompts[index] for index in part]), width - 1))
        progress()
    cache = _join(caches, [index for part in parts for index in part], model.device)
    mask = torch.arange(width) >= width - torch.tensor(lengths)[:, None]  # [R, P]
    positions = torch.tensor([[prompt.last_position] for prompt in prompts])
    fed = torch.stack([prompt.embedded[-1:] for prompt in prompts])  # [R, 1, hidden]
    return Batch(model, cache, mask.to(model.device), positions.to(model.device), fed)


def _by_length(lengths: list[int]) -> dict[int, list[int]]:
    """Prompts of one length are prefilled together, so that none is padded."""
    groups: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        groups.setdefault(length, []).append(index)
    return groups


def _pad(cache: DynamicCache, width: int) -> DynamicCache:
    for layer in cache.layers:
        missing = width - layer.keys.shape[2]
        layer.keys, layer.values = (
            torch.nn.functional.pad(tensor, (0, 0, missing, 0)) for tensor in (layer.keys, layer.values)
        )
    return cache


def _join(caches: list[DynamicCache], order: list[int], device: torch.device) -> DynamicCache:
    """`order`: which prompt each row of the caches, one after the other, belongs to."""
    for index, layer in enumerate(caches[0].layers):
        layer.keys = torch.cat([cache.layers[index].keys for cache in caches])
        layer.values = torch.cat([cache.layers[index].values for cache in caches])
    if order != sorted(order):
        caches[0].batch_select_indices(torch.tensor(order, device=device).argsort())
    return caches[0]
