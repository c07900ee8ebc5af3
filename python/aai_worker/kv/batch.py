"""The tensors of all live rows: shared prefixes, each row's own suffix, and what is fed next."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..attention import AttentionStep, KeyLayout, SharedPrefix
from ..models import Model
from .prefix import Prefix
from .store import PrefixStore
from .suffix import Suffix


class Tail:
    """Where a sequence ends: its newest key and value, and what comes before. Outlives its row."""

    def __init__(self, newest: Tensor, previous: Tail | None) -> None:
        self.newest = newest  # [layer, 2, Hkv, D]
        self.depth: int = 0 if previous is None else previous.depth + 1  # tokens of the answer so far
        self.twin: Tail | None = None  # where the same sequence stands in another batch
        self._previous = previous

    @property
    def previous(self) -> Tail:
        assert self._previous is not None, "the last prompt token is where every answer starts"
        return self._previous

    def chain(self) -> list[Tail]:
        """The tails of the answer's tokens so far, in order; that of the last prompt token is left out."""
        tails, tail = [], self
        while tail._previous is not None:
            tails.append(tail)
            tail = tail._previous
        return tails[::-1]


class Batch:
    """Row i of everything belongs to one sequence; the caller keeps its records in the same order."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.steps = 0
        # Per row, before what is fed next; None at the end of the prompt. Kept on request.
        self.tails: list[Tail | None] | None = None
        self.prefixes: list[Prefix] = []  # per row
        self._shared: SharedPrefix | None = None
        self._store = PrefixStore(model.cross_layers)
        self._suffix = Suffix(model.layers, model.cross_layers)
        self._fed = torch.empty(0)  # [R, 1, hidden]

    @property
    def layout(self) -> KeyLayout:
        """Where the rows' keys stand in attention."""
        return self.arranged().layout

    @property
    def ages(self) -> list[int]:
        """Per row: tokens of the answer that have been fed before the next step."""
        return self._suffix.ages

    def join(self, prefixes: Sequence[Prefix]) -> None:
        """New rows behind the others; the last token of each prompt is fed next."""
        if not prefixes:
            return
        self._suffix.join(len(prefixes))
        if self.tails is not None:
            self.tails = [*self.tails, *[None] * len(prefixes)]
        self.prefixes = [*self.prefixes, *prefixes]
        self._shared = None
        fed = torch.stack([prefix.last for prefix in prefixes])[:, None]
        self._fed = torch.cat([self._fed, fed]) if len(self._fed) else fed

    def step(self, attention: AttentionStep | None) -> Tensor:
        """Feeds one token per row; logits [R, V] float32 of the next ones."""
        return self.model.forward(*self._begin(), attention)

    def step_layers(
        self, attention: AttentionStep | None, layers: Sequence[int], normed: bool
    ) -> tuple[Tensor, Tensor]:
        """As `step`, and the logits [layer, R, V] of early exits, as `Model.forward_layers` says."""
        return self.model.forward_layers(*self._begin(), attention, layers, normed)

    def keep(self, rows: Sequence[int]) -> None:
        """These rows only, before the step that was to come."""
        self._suffix.select(rows)
        self.prefixes, self._shared = [self.prefixes[row] for row in rows], None
        self._fed = self._fed[list(rows)]
        if self.tails is not None:
            self.tails = [self.tails[row] for row in rows]

    def keep_tails(self) -> None:
        """From now on `tails` says where every row stands, so that it can be taken up from there again."""
        self.tails = [None] * len(self.prefixes)

    def advance(self, parents: list[int], tokens: list[int], resumed: dict[int, Tail] | None = None) -> None:
        """Row i now continues the old row `parents[i]` with `tokens[i]`: rows leave, fork, change places.

        A resumed row continues a tail instead; its parent, any row with the same prompt, lends the prompt.
        """
        if self.tails is not None:
            self._extend_tails(parents)
        self._suffix.select(parents)
        self._suffix.ages = [age + 1 for age in self._suffix.ages]
        prefixes = [self.prefixes[parent] for parent in parents]
        if prefixes != self.prefixes:
            self.prefixes, self._shared = prefixes, None
        for row, tail in (resumed or {}).items():
            self._resume(row, tail)
        ids = torch.tensor(tokens, dtype=torch.long, device=self.model.device)
        self._fed = self.model.network.get_input_embeddings()(ids)[:, None]

    def _begin(self) -> tuple[Tensor, Tensor, Suffix, SharedPrefix]:
        self.steps += 1
        device = self._fed.device
        shared = self.arranged().before(self._suffix.begin(device), columns=max(self.ages) + 1)
        positions = [prefix.position + age for prefix, age in zip(self.prefixes, self.ages, strict=True)]
        return self._fed, torch.tensor(positions, device=device)[:, None], self._suffix, shared

    def arranged(self) -> SharedPrefix:
        """The prompts of the rows as they stand."""
        if self._shared is None:
            self._shared = self._store.arrange(self.prefixes)
        return self._shared

    def _extend_tails(self, parents: list[int]) -> None:
        assert self.tails is not None
        unique = sorted(set(parents))
        newest = self._suffix.read(unique)
        tails = {row: Tail(newest[:, :, index], self.tails[row]) for index, row in enumerate(unique)}
        self.tails = [tails[parent] for parent in parents]

    def _resume(self, row: int, tail: Tail) -> None:
        chain = tail.chain()
        if chain:
            self._suffix.write(row, torch.stack([one.newest for one in chain], dim=3))
        self._suffix.ages[row] = tail.depth + 1
        assert self.tails is not None
        self.tails[row] = tail
