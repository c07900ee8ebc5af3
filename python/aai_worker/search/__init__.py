"""Searches, one file per method: from the logits of all live rows to their next tokens."""

from ..protocol import GreedyParameters
from .choice import Choice, Search
from .greedy import Greedy

SEARCHES = {"greedy": Greedy}


def create_search(parameters: GreedyParameters) -> Search:
    return SEARCHES[parameters.__struct_config__.tag](parameters)  # type: ignore[index]


__all__ = ["SEARCHES", "Choice", "Search", "create_search"]
