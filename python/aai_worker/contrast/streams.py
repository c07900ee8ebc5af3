"""The streams that the decode loop drives: the main batch and, under most contrasts, a second batch.

Rows of the second stream follow those of the main stream wherever a search takes them. Each has a KV cache of
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..attention import AttentionStep, KeyLayout
from ..kv.batch import Batch, CacheNode
from ..kv.prefix import Prefix
from ..models import Model
from .base import Contrast, Outcome


@dataclass
class ContrastRecord:
    """What a contrast did in one row of the command."""

    second_stream: bool = False  # whether a second stream was run
    steps: int = 0  # the number of steps
    changed: int = 0  # the number of steps in which the contrast changed any logit
    overruled: int = 0  # the number of steps in which the contrast made another token the likeliest


class Streams:
    """One or two batches of the same rows, and the contrast between them, if there is one."""

    def __init__(self, contrast: Contrast | None, model: Model) -> None:
        self._contrast = contrast
        self._main = Batch(model)
        self._other = None if contrast is None else contrast.create_second_stream(model)
        self._outcome: Outcome | None = None  # of the last step, until `record` has counted it

    @property
    def count(self) -> int:
        """The number of streams."""
        return 1 if self._other is None else 2

    @property
    def steps(self) -> int:
        """The number of steps that the main stream has begun."""
        return self._main.steps

    @property
    def device(self) -> torch.device:
        return self._main.model.device

    @property
    def layout(self) -> KeyLayout:
        """The main stream's layout."""
        return self._main.layout

    @property
    def nodes(self) -> list[CacheNode | None] | None:
        """The main stream's cache nodes per row; each knows the second stream's node (`other_node`)."""
        return self._main.nodes

    def join(self, prefixes: Sequence[Prefix], others: Sequence[Prefix]) -> None:
        """As `Batch.join`. `others` are the prefixes in the second stream, if there is one."""
        self._main.join(prefixes)
        if self._other is not None:
            self._other.join(others)

    def step(self, attention: AttentionStep | None) -> Tensor:
        """As `Batch.step`, with the contrast's logits. `attention` is for the main stream alone."""
        if self._contrast is None:
            return self._main.step(attention)
        age = torch.tensor(self._main.ages, device=self.device)[:, None]
        self._outcome = self._contrast.step(self._main, self._other, attention, age)
        return self._outcome.logits

    def record(self, records: Sequence[ContrastRecord], live: Sequence[int]) -> None:
        """Counts in each row's record what the contrast did in the step just made.

        `live` is the number of each row's live rows.
        """
        if self._outcome is None:
            return
        plain, logits = self._outcome
        self._outcome = None
        changed = (plain != logits).any(dim=-1).tolist()
        overruled = (plain.argmax(dim=-1) != logits.argmax(dim=-1)).tolist()
        first = 0
        for record, count in zip(records, live, strict=True):
            own = slice(first, first + count)
            record.second_stream = self._other is not None
            record.steps += 1
            record.changed += any(changed[own])
            record.overruled += any(overruled[own])
            first += count

    def track_nodes(self) -> None:
        """As `Batch.track_nodes`."""
        self._main.track_nodes()
        if self._other is not None:
            self._other.track_nodes()

    def keep(self, rows: Sequence[int]) -> None:
        """As `Batch.keep`."""
        self._main.keep(rows)
        if self._other is not None:
            self._other.keep(rows)

    def advance(self, parents: list[int], tokens: list[int], resumed: dict[int, CacheNode]) -> None:
        """As `Batch.advance`."""
        self._main.advance(parents, tokens, resumed)
        if self._other is None:
            return
        other_nodes = {row: node.other_node for row, node in resumed.items() if node.other_node is not None}
        self._other.advance(parents, tokens, other_nodes)
        for node, other_node in zip(self._main.nodes or [], self._other.nodes or [], strict=True):
            if node is not None:
                node.other_node = other_node
