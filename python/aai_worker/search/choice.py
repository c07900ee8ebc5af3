"""What a search is: what it is given, what it answers at every step, and the registry of all searches.

A row of the command is written by one or more live rows of the batch (beams, candidates). It starts with one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from torch import Tensor

from ..attention import KeyLayout, Observer
from ..errors import WorkerError
from ..kv.batch import CacheNode
from ..models import Model
from ..text.stops import Stops

FinishReason = Literal["stop", "length"]  # why an answer ended: a stop token, or its most tokens


class SearchRow(Protocol):
    """What a search may know of a row of the command."""

    number: int  # of the row, in the command
    prompt: list[int]  # token ids
    ids: list[int]  # the answer's token ids that are settled so far
    limit: int  # the most tokens of the answer
    seed: int  # of the row's own random numbers
    image_positions: list[int]  # the key positions of the image's tokens in the prompt
    live: int  # the number of live rows of the batch that write it
    nodes: list[CacheNode]  # per live row, where the search has an observer


class Answer(NamedTuple):
    """An answer that has ended."""

    ids: list[int]
    finish: FinishReason


class Choice(NamedTuple):
    """What one row does after a step. Once it is finished, `tokens` and `parents` mean nothing."""

    tokens: list[int]  # per live row from now on, the token that it feeds next
    parents: list[int]  # the present live row, from 0, that each continues: twice is a fork, never an end
    settled: list[int]  # tokens that are now certain to be in the answer, in order
    finish: FinishReason | Literal["failed"] | None  # None as long as the row goes on
    alternatives: Sequence[Answer] = ()  # with `finish`, the other answers, best first
    nodes: list[CacheNode] | None = None  # the nodes that the live rows continue instead of their parents


FAILED = Choice([], [], [], "failed")


class SearchObserver(Observer, Protocol):
    """An observer of attention for a search that chooses by it."""

    def begin(self, layout: KeyLayout) -> None:
        """Is called before every step, with the layout of its keys."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """Is called after a step in which the live rows not named here have failed."""
        ...


class Search(Protocol):
    """A search with its parameters and the state of every row that it writes."""

    @property
    def streams(self) -> bool:
        """Whether every row has one live row and every step settles one token of it."""
        ...

    @property
    def observer(self) -> SearchObserver | None:
        """The observer of a search that chooses by attention. Its rows have `nodes` to go back to, too."""
        ...

    @property
    def width(self) -> int:
        """The most live rows of the batch that write one row of the command."""
        ...

    def step(self, logits: Tensor, rows: list[SearchRow]) -> list[Choice]:
        """The choices of `rows`. `logits` [R, V] float32 has their live rows, row after row."""
        ...

    def forget(self, number: int) -> None:
        """Drops the state of the row with this number, which is finished or will begin again."""
        ...


# By its name, what makes a search of its parameters and a model: the search's class.
SEARCHES: dict[str, Callable[[Any, Model], Search]] = {}

_Class = TypeVar("_Class", bound=Callable[[Any, Model], Search])


def search_method(name: str) -> Callable[[_Class], _Class]:
    """Registers a search's class under the name that its description has in `src/methods/search`."""

    def register(method: _Class) -> _Class:
        SEARCHES[name] = method
        return method

    return register


def follow(row: SearchRow, token: int, stops: Stops) -> Choice:
    """The choice of a row with one live row: the token is settled at once."""
    return Choice([token], [0], [token], finish_reason(row.ids, token, row.limit, stops))


def finish_reason(before: Sequence[int], token: int, limit: int, stops: Stops) -> FinishReason | None:
    """Why an answer ends with `token` after the tokens `before`; None where it goes on."""
    if stops.reached(before, token):
        return "stop"
    return "length" if len(before) + 1 >= limit else None


def require(holds: bool, name: str, value: float, expected: str) -> None:
    """Raises WorkerError unless `holds`. `expected` says which values the parameter `name` may have."""
    if not holds:
        raise WorkerError("bad-input", f"{name} is {value}; it must be {expected}.")
