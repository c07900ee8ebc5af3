"""Greedy search: every row goes on with its most probable token."""

from __future__ import annotations

from torch import Tensor

from ..models import Model
from ..protocol import GreedyParameters
from .choice import Choice, SearchRow, follow, search_method
from .processors import Processors


@search_method("greedy")
class Greedy:
    streams = True
    observer = None
    width = 1

    def __init__(self, parameters: GreedyParameters, model: Model) -> None:
        self._stops = model.stops
        self._processors = Processors(model)

    def step(self, logits: Tensor, rows: list[SearchRow]) -> list[Choice]:
        tokens = self._processors.each(logits, rows).argmax(dim=-1).tolist()
        return [follow(row, token, self._stops) for row, token in zip(rows, tokens, strict=True)]

    def forget(self, number: int) -> None:
        self._processors.forget(number)
