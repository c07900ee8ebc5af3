"""The tensors of all live rows: the prompts they share, each row's own KV cache, and the tokens fed next."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..attention import AttentionStep, KeyLayout, SharedPrefix
from ..models import Model
from .decode_cache import DecodeCache
from .prefix import Prefix
from .store import PrefixStore


class CacheNode:
    """The key and value of one fed token, in all layers, linked to those of the token before it.

    The nodes of all rows form a tree: a search that keeps a node can continue from it after its row is gone.
    """

    def __init__(self, newest: Tensor, previous: CacheNode | None) -> None:
        self.newest = newest  # [layer, 2 (key, value), Hkv, D], in the dtype of the cache
        # The number of the answer's tokens up to this node; the node of the last prompt token has 0.
        self.depth: int = 0 if previous is None else previous.depth + 1
        self.other_node: CacheNode | None = None  # the node of the same sequence in the second stream
        self._previous = previous

    @property
    def previous(self) -> CacheNode:
        """The node of the token before. The node of the last prompt token has none, and must not be asked."""
        assert self._previous is not None, "the last prompt token is where every answer starts"
        return self._previous

    def chain(self) -> list[CacheNode]:
        """The nodes of the answer's tokens up to this one, in order, without the last prompt token's."""
        nodes, node = [], self
        while node._previous is not None:
            nodes.append(node)
            node = node._previous
        return nodes[::-1]


class Batch:
    """The live rows of one stream. Row i of every tensor belongs to one sequence.

    The caller keeps its own records of the rows in the same order.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.steps = 0
        # Per row, the node of the token fed last; None where the last prompt token is still to be fed.
        # The whole list is None until `track_nodes` asks for it.
        self.nodes: list[CacheNode | None] | None = None
        self.prefixes: list[Prefix] = []  # per row
        self._shared: SharedPrefix | None = None
        self._store = PrefixStore(model.cross_layers)
        self._cache = DecodeCache(model.layers, model.cross_layers)
        self._fed = torch.empty(0)  # [R, 1, hidden], the embedded tokens that the next step feeds

    @property
    def layout(self) -> KeyLayout:
        """The columns that the rows' key positions have in the attention of the next step."""
        return self.arranged().layout

    @property
    def ages(self) -> list[int]:
        """Per row, the number of its own tokens that have been fed, with the last prompt token."""
        return self._cache.ages

    def join(self, prefixes: Sequence[Prefix]) -> None:
        """Adds new rows behind the others. The next step feeds the last token of their prompts."""
        if not prefixes:
            return
        self._cache.join(len(prefixes))
        if self.nodes is not None:
            self.nodes = [*self.nodes, *[None] * len(prefixes)]
        self.prefixes = [*self.prefixes, *prefixes]
        self._shared = None
        fed = torch.stack([prefix.last for prefix in prefixes])[:, None]
        self._fed = torch.cat([self._fed, fed]) if len(self._fed) else fed

    def step(self, attention: AttentionStep | None) -> Tensor:
        """Feeds one token per row and returns the logits [R, V] float32 of the tokens after them."""
        return self.model.forward(*self._begin(), attention)

    def step_layers(
        self, attention: AttentionStep | None, layers: Sequence[int], normed: bool
    ) -> tuple[Tensor, Tensor]:
        """As `step`, with the logits [layer, R, V] of early exits (see `Model.forward_layers`)."""
        return self.model.forward_layers(*self._begin(), attention, layers, normed)

    def keep(self, rows: Sequence[int]) -> None:
        """Keeps these rows only, in this order. What each feeds next stays as it is."""
        self._cache.select(rows)
        self.prefixes, self._shared = [self.prefixes[row] for row in rows], None
        self._fed = self._fed[list(rows)]
        if self.nodes is not None:
            self.nodes = [self.nodes[row] for row in rows]

    def track_nodes(self) -> None:
        """Makes `nodes` hold every row's cache node from now on, so that a search can go back to it."""
        self.nodes = [None] * len(self.prefixes)

    def advance(
        self, parents: list[int], tokens: list[int], resumed: dict[int, CacheNode] | None = None
    ) -> None:
        """Makes row i continue the old row `parents[i]` with `tokens[i]`, which the next step feeds.

        A row that is named twice forks, one that is never named leaves. `resumed`: by new row, the node
        that it continues instead of its parent; the parent may then be any row with the same prompt.
        """
        if self.nodes is not None:
            self._extend_nodes(parents)
        self._cache.select(parents)
        self._cache.ages = [age + 1 for age in self._cache.ages]
        prefixes = [self.prefixes[parent] for parent in parents]
        if prefixes != self.prefixes:
            self.prefixes, self._shared = prefixes, None
        for row, node in (resumed or {}).items():
            self._resume(row, node)
        ids = torch.tensor(tokens, dtype=torch.long, device=self.model.device)
        self._fed = self.model.network.get_input_embeddings()(ids)[:, None]

    def _begin(self) -> tuple[Tensor, Tensor, DecodeCache, SharedPrefix]:
        self.steps += 1
        device = self._fed.device
        shared = self.arranged().before(self._cache.begin(device), columns=max(self.ages) + 1)
        positions = [prefix.position + age for prefix, age in zip(self.prefixes, self.ages, strict=True)]
        return self._fed, torch.tensor(positions, device=device)[:, None], self._cache, shared

    def arranged(self) -> SharedPrefix:
        """The prompts of all rows, in the rows' present order."""
        if self._shared is None:
            self._shared = self._store.arrange(self.prefixes)
        return self._shared

    def _extend_nodes(self, parents: list[int]) -> None:
        assert self.nodes is not None
        unique = sorted(set(parents))
        newest = self._cache.read(unique)
        nodes = {row: CacheNode(newest[:, :, index], self.nodes[row]) for index, row in enumerate(unique)}
        self.nodes = [nodes[parent] for parent in parents]

    def _resume(self, row: int, node: CacheNode) -> None:
        chain = node.chain()
        if chain:
            self._cache.write(row, torch.stack([one.newest for one in chain], dim=3))
        self._cache.ages[row] = node.depth + 1
        assert self.nodes is not None
        self.nodes[row] = node
