"""Searches, one file per method: from the logits of all live rows to what every row does next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol import BeamParameters, GreedyParameters, SampleParameters
from .beam import Beam
from .choice import Choice, FinishReason, Search, Written
from .greedy import Greedy
from .sample import Sample

SEARCHES: dict[str, Callable[[Any, frozenset[int]], Search]] = {
    "greedy": Greedy,
    "sample": Sample,
    "beam": Beam,
}


def create_search(
    parameters: GreedyParameters | SampleParameters | BeamParameters, stop_ids: frozenset[int]
) -> Search:
    return SEARCHES[str(parameters.__struct_config__.tag)](parameters, stop_ids)


__all__ = ["SEARCHES", "Choice", "FinishReason", "Search", "Written", "create_search"]
