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

    def advance(self, parents: list[int], tokens: list[int]) -> None:
        """Row i now continues the old row `parents[i]` with `tokens[i]`: rows leave, fork, change places."""
        self.select(parents)
        ids = torch.tensor(tokens, dtype=torch.long, device=self.model.device)
        self.fed = self.model.network.get_input_embeddings()(ids)[:, None]
        self.positions = self.positions + 1
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)

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
