"""Searches, one file per method: from the logits of all live rows to each row's next tokens.

A search is a class like `choice.Search`, registered under its name by `choice.search_method`.
"""

from __future__ import annotations

from ..models import Model
from ..protocol import BeamParameters, GreedyParameters, OperaParameters, SampleParameters
from . import beam, greedy, opera, sample  # noqa: F401 (registers the searches)
from .choice import FAILED, SEARCHES, Answer, Choice, FinishReason, Search, SearchRow


def create_search(
    parameters: GreedyParameters | SampleParameters | BeamParameters | OperaParameters, model: Model
) -> Search:
    """The search with these parameters. Raises WorkerError where they make no sense together."""
    return SEARCHES[str(parameters.__struct_config__.tag)](parameters, model)


__all__ = ["FAILED", "SEARCHES", "Answer", "Choice", "FinishReason", "Search", "SearchRow", "create_search"]
