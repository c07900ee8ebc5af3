"""Searches, one file per method: from the logits of all live rows to what every row does next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..models import Model
from ..protocol import BeamParameters, GreedyParameters, OperaParameters, SampleParameters
from .beam import Beam
from .choice import FAILED, Answer, Choice, FinishReason, Search, Written
from .greedy import Greedy
from .opera import Opera
from .sample import Sample

SEARCHES: dict[str, Callable[[Any, Model], Search]] = {
    "greedy": Greedy,
    "sample": Sample,
    "beam": Beam,
    "opera": Opera,
}


def create_search(
    parameters: GreedyParameters | SampleParameters | BeamParameters | OperaParameters, model: Model
) -> Search:
    """Refuses parameters that make no sense together."""
    return SEARCHES[str(parameters.__struct_config__.tag)](parameters, model)


__all__ = ["FAILED", "SEARCHES", "Answer", "Choice", "FinishReason", "Search", "Written", "create_search"]
