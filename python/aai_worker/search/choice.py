"""What a search answers at every step."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor


class Choice(NamedTuple):
    """The rows after a step. `parents` may name a row twice (fork), never (drop) or elsewhere (reorder)."""

    tokens: list[int]  # [R'] the token each of them goes on with
    parents: list[int]  # [R'] the row it continues


class Search(Protocol):
    def step(self, logits: Tensor) -> Choice:
        """Next-token logits [R, V] of the live rows, in their order."""
        ...
