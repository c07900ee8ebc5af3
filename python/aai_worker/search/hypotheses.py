"""The ended beams of one row, kept as in transformers 4.29, on which the released OPERA is built.

Unlike in today's beam search, a score is divided by the length of prompt and answer without the stop token.
"""

from __future__ import annotations

from copy import copy
from typing import NamedTuple


class Ended(NamedTuple):
    """A beam that has ended."""

    score: float
    ids: list[int]


class Hypotheses:
    """The best `width` ended beams of one row, and whether a better one may still come."""

    def __init__(self, width: int, length_penalty: float, prompt_length: int) -> None:
        self.done = False
        self._width = width
        self._penalty = length_penalty
        self._prompt_length = prompt_length
        self._ended: list[Ended] = []  # at most `width`

    def add(self, ids: list[int], total: float, length: int) -> None:
        """Adds an ended beam. `total`: its summed log-probabilities; `length`: that of its answer."""
        ended = Ended(self._normalise(total, length), ids)
        if len(self._ended) == self._width:
            worst = self._worst()
            if ended.score <= worst.score:
                return
            self._ended.remove(worst)
        self._ended.append(ended)

    def update(self, best_total: float, length: int) -> None:
        """Sets `done` once no running beam beats the worst ended one, judged at its present length."""
        full = len(self._ended) == self._width
        self.done = self.done or (full and self._worst().score >= self._normalise(best_total, length))

    def best(self) -> list[int]:
        """The ids of the ended beam with the highest score; the last added of several."""
        return max(reversed(self._ended), key=lambda ended: ended.score).ids

    def copy(self) -> Hypotheses:
        copied = copy(self)
        copied._ended = list(self._ended)
        return copied

    def _worst(self) -> Ended:
        return min(self._ended, key=lambda ended: ended.score)

    def _normalise(self, total: float, length: int) -> float:
        return float(total / (self._prompt_length + length) ** self._penalty)
