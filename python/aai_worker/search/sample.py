"""Sampling from the softmax of the warped logits, with transformers' own warpers in transformers' order.

Every row draws from a generator of its own with its own seed. So a row in a batch gets the tokens that it
gets alone, and those of `generate` after `torch.manual_seed(seed)` on the same device; a baseline and an
edited row with the same seed meet the same random numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from ..models import Model
from ..protocol import SampleParameters
from .choice import Choice, SearchRow, follow, require, search_method
from .processors import Processors


@search_method("sample")
class Sample:
    streams = True
    observer = None
    width = 1

    def __init__(self, parameters: SampleParameters, model: Model) -> None:
        require(0 < parameters.temperature < math.inf, "temperature", parameters.temperature, "above 0")
        require(0 < parameters.top_p <= 1, "topP", parameters.top_p, "above 0 and at most 1")
        require(0 <= parameters.min_p <= 1, "minP", parameters.min_p, "from 0 to 1")
        penalty = parameters.repetition_penalty
        if penalty is not None:
            require(0 < penalty < math.inf, "repetitionPenalty", penalty, "above 0")
        self._stops = model.stops
        self._processors = Processors(model, penalty)
        self._warpers = _create_warpers(parameters)
        self._generators: dict[int, torch.Generator] = {}

    def step(self, logits: Tensor, rows: list[SearchRow]) -> list[Choice]:
        warped = self._warpers(None, self._processors.each(logits, rows))
        probabilities = torch.softmax(warped, dim=-1)  # [R, V]
        drawn = [
            torch.multinomial(probabilities[i : i + 1], 1, generator=self._generator(row, logits.device))
            for i, row in enumerate(rows)
        ]
        tokens = torch.cat(drawn)[:, 0].tolist()
        return [follow(row, token, self._stops) for row, token in zip(rows, tokens, strict=True)]

    def forget(self, number: int) -> None:
        self._generators.pop(number, None)
        self._processors.forget(number)

    def _generator(self, row: SearchRow, device: torch.device) -> torch.Generator:
        if row.number not in self._generators:
            self._generators[row.number] = torch.Generator(device).manual_seed(row.seed)
        return self._generators[row.number]


def _create_warpers(parameters: SampleParameters) -> LogitsProcessorList:
    """The warpers in the order of `generate`, which also leaves out a warper that would change nothing."""
    warpers = LogitsProcessorList()
    if parameters.temperature != 1:
        warpers.append(TemperatureLogitsWarper(float(parameters.temperature)))
    if parameters.top_k > 0:
        warpers.append(TopKLogitsWarper(parameters.top_k))
    if parameters.top_p < 1:
        warpers.append(TopPLogitsWarper(parameters.top_p))
    if parameters.min_p > 0:
        warpers.append(MinPLogitsWarper(parameters.min_p))
    return warpers
