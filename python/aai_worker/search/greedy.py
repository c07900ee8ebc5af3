"""Greedy search: every row goes on with its most probable token."""

from __future__ import annotations

from torch import Tensor

from ..protocol import GreedyParameters
from .choice import Choice


class Greedy:
    def __init__(self, parameters: GreedyParameters) -> None:
        pass

    def step(self, logits: Tensor) -> Choice:
        return Choice(tokens=logits.argmax(dim=-1).tolist(), parents=list(range(len(logits))))
