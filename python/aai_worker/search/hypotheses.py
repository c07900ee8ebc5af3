"""The ended beams of one row as transformers 4.29 kept them, on which the released OPERA is built.

Unlike in today's beam search, a score is over the length of prompt and answer, the stop token left out.
"""

from __future__ import annotations

from copy import copy
from typing import NamedTuple


class Ended(NamedTuple):
    score: float
    ids: list[int]


class Hypotheses:
    def __init__(self, width: int, length_penalty: float, prompt_length: int) -> None:
        self.done = False
        self._width = width
        self._penalty = length_penalty
        self._prompt_length = prompt_length
        self._ended: list[Ended] = []  # at most `width`

    def add(self, ids: list[int], total: float, length: int) -> None:
        """`total`: summed log-probabilities; `length` of the answer as it counts."""
        ended = Ended(self._normalise(total, length), ids)
        if len(self._ended) == self._width:
            worst = self._worst()
            if ended.score <= worst.score:
                return
            self._ended.remove(worst)
        self._ended.append(ended)

    def update(self, best_total: float, length: int) -> None:
        """Done once no running beam can beat the worst ended one, as far as its length now can tell."""
        full = len(self._ended) == self._width
        self.done = self.done or (full and self._worst().score >= self._normalise(best_total, length))

    def best(self) -> list[int]:
        return max(reversed(self._ended), key=lambda ended: ended.score).ids

    def copy(self) -> Hypotheses:
        copied = copy(self)
        copied._ended = list(self._ended)
        return copied

    def _worst(self) -> Ended:
        return min(self._ended, key=lambda ended: ended.score)

    def _normalise(self, total: float, length: int) -> float:
        return float(total / (self._prompt_length + length) ** self._penalty)
