"""What a search is given and what it answers at every step.

A row of the command is written by one or more live rows of the batch (beams, candidates); it starts with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from torch import Tensor

from ..attention import KeyLayout, Observer
from ..errors import WorkerError
from ..kv.batch import CacheNode
from ..text.stops import Stops

FinishReason = Literal["stop", "length"]  # of an answer


class Written(Protocol):
    """What a search may know of a row of the command."""

    number: int  # in the command
    prompt: list[int]
    ids: list[int]  # settled so far
    limit: int  # at most so many tokens
    seed: int  # of its own random numbers
    image_keys: list[int]  # where the image tokens stand in the prompt
    live: int  # rows of the batch that write it
    nodes: list[CacheNode]  # of the live rows, where the search has an observer


class Answer(NamedTuple):
    ids: list[int]
    finish: FinishReason


class Choice(NamedTuple):
    """One row of the command after a step; meaningless but for `settled` once it is finished."""

    tokens: list[int]  # fed next, one per live row
    parents: list[int]  # the row's live row that each of them continues: named twice = fork, never = drop
    settled: list[int]  # tokens that are now certain to be in the answer, in order
    finish: FinishReason | Literal["failed"] | None
    alternatives: Sequence[Answer] = ()  # with the finish: answers behind that in `settled`, best first
    nodes: list[CacheNode] | None = None  # what the next live rows continue instead of their parents


FAILED = Choice([], [], [], "failed")


class SearchObserver(Observer, Protocol):
    def begin(self, layout: KeyLayout) -> None:
        """Before a step of rows whose keys stand so."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """After a step: the other live rows have failed."""
        ...


class Search(Protocol):
    @property
    def streams(self) -> bool:
        """Every step settles one token of every row, which has one live row."""
        ...

    @property
    def observer(self) -> SearchObserver | None:
        """Where it chooses by attention; it is given nodes to go back to, too."""
        ...

    @property
    def width(self) -> int:
        """Rows of the batch that may write one row of the command."""
        ...

    def step(self, logits: Tensor, rows: list[Written]) -> list[Choice]:
        """Next-token logits [R, V] of all live rows, those of a row together, in the order of `rows`."""
        ...

    def forget(self, number: int) -> None:
        """The row with this number is finished, or will begin anew."""
        ...


def follow(row: Written, token: int, stops: Stops) -> Choice:
    """The choice of a row without alternatives: the token is settled at once."""
    return Choice([token], [0], [token], finish_reason(row.ids, token, row.limit, stops))


def finish_reason(before: Sequence[int], token: int, limit: int, stops: Stops) -> FinishReason | None:
    """Of an answer of `before` and then `token`."""
    if stops.reached(before, token):
        return "stop"
    return "length" if len(before) + 1 >= limit else None


def require(holds: bool, name: str, value: float, expected: str) -> None:
    """`expected`: what the parameter may be."""
    if not holds:
        raise WorkerError("bad-input", f"{name} is {value}; it must be {expected}.")
