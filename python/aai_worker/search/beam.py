"""Beam search as transformers' `generate(num_beams=...)` does it, for every row of the command by itself.

The score of a beam that has ended is its summed log-probabilities over length ** length penalty. No token is
settled before the end, when the best beam is settled as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ..models import Model
from ..protocol import BeamParameters
from .choice import Answer, Choice, SearchRow, finish_reason, require, search_method
from .processors import Processors


@search_method("beam")
class Beam:
    streams = False
    observer = None

    def __init__(self, parameters: BeamParameters, model: Model) -> None:
        wanted, width = parameters.num_return, parameters.num_beams
        require(wanted <= width, "numReturn", wanted, f"at most numBeams ({width})")
        self.width = width
        self._parameters = parameters
        self._stops = model.stops
        self._processors = Processors(model)
        self._states: dict[int, _Beams] = {}

    def step(self, logits: Tensor, rows: list[SearchRow]) -> list[Choice]:
        parts = logits.split([row.live for row in rows])
        return [self._step(part, row) for part, row in zip(parts, rows, strict=True)]

    def forget(self, number: int) -> None:
        self._states.pop(number, None)
        self._processors.forget(number)

    def _step(self, logits: Tensor, row: SearchRow) -> Choice:
        """One row's choice, from the logits [live, V] of its beams."""
        width = self._parameters.num_beams
        # All tokens that would end a beam may be among the best; enough others remain to go on with.
        count = max(2, 1 + self._stops.max_end_tokens) * width
        require(count <= logits.shape[1], "numBeams", width, "far below the size of the vocabulary")
        beams = self._states.setdefault(row.number, _Beams([[]], logits.new_zeros(1)))
        likely = self._processors(torch.log_softmax(logits, dim=-1), row, beams.ids)
        total = likely + beams.scores[:, None]  # [live, V]
        scores, flat = total.flatten().topk(count)
        best = [divmod(index, logits.shape[1]) for index in flat.tolist()]  # (beam, token)

        length = len(beams.ids[0]) + 1
        ends = [
            finish_reason(beams.ids[beam], token, row.limit, self._stops) is not None for beam, token in best
        ]
        normalised = (scores / length**self._parameters.length_penalty).tolist()
        beams.keep_finished(
            [_Finished(normalised[i], [*beams.ids[best[i][0]], best[i][1]]) for i in range(width) if ends[i]],
            width,
        )
        going = [i for i, end in enumerate(ends) if not end][:width]
        if not going or self._is_settled(beams, normalised[going[0]]):
            return self._end(beams)
        parents, tokens = [best[i][0] for i in going], [best[i][1] for i in going]
        beams.ids = [[*beams.ids[parent], token] for parent, token in zip(parents, tokens, strict=True)]
        beams.scores = scores[going]
        return Choice(tokens, parents, settled=[], finish=None)

    def _is_settled(self, beams: _Beams, best_running: float) -> bool:
        """Whether no running beam can become better. Where the penalty rewards length this is a guess."""
        full = len(beams.finished) == self._parameters.num_beams
        return full and (self._parameters.early_stopping or best_running <= beams.finished[-1].score)

    def _end(self, beams: _Beams) -> Choice:
        answers = [self._answer(one.ids) for one in beams.finished[: self._parameters.num_return]]
        best, *others = answers
        return Choice([], [], settled=best.ids, finish=best.finish, alternatives=others)

    def _answer(self, ids: list[int]) -> Answer:
        return Answer(ids, "stop" if self._stops.reached(ids[:-1], ids[-1]) else "length")


class _Finished(NamedTuple):
    """A beam that has ended."""

    score: float
    ids: list[int]


@dataclass
class _Beams:
    """The beams of one row."""

    ids: list[list[int]]  # [live], the token ids of each beam
    scores: Tensor  # [live] float32, summed log-probabilities
    finished: list[_Finished] = field(default_factory=list)  # the best so far, best first

    def keep_finished(self, new: list[_Finished], width: int) -> None:
        self.finished = sorted([*self.finished, *new], key=lambda one: -one.score)[:width]
