"""The logits processors that generation_config.json asks for, applied row by row.

`generate` pads the prompts of a batch, and some processors would count the padding. Here every row has a
prompt of its own, and a row in a batch gets the scores that `generate` gives it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LogitsProcessorList

from ..models import Model
from ..models.generation_config import processor_settings
from ..models.processors import build_processors
from .choice import SearchRow


class Processors:
    """The processors of one search. They cost nothing where the file asks for none."""

    def __init__(self, model: Model, repetition_penalty: float | None = None) -> None:
        """`repetition_penalty`, where given, takes the place of the checkpoint's."""
        config = deepcopy(model.decoder.generation_config)
        if repetition_penalty is not None:
            config.repetition_penalty = float(repetition_penalty)
        self._model = model
        self._config = config
        self._idle = not processor_settings(config)
        self._rows: dict[int, _Row] = {}

    def __call__(
        self, scores: Tensor, row: SearchRow, answers: list[list[int]], prompt: list[int] | None = None
    ) -> Tensor:
        """The processed scores [n, V] of the tokens that follow each of the row's `answers`.

        `prompt` are the ids before the answers, where these are not the row's own prompt.
        """
        if self._idle:
            return scores
        if row.number not in self._rows:
            self._rows[row.number] = self._begin(prompt or row.prompt, row.limit, scores)
        processors, before, missing = self._rows[row.number]
        after = torch.tensor(answers, dtype=torch.long, device=scores.device)  # [n, answer]
        ids = torch.cat([before.expand(len(answers), -1), after], dim=1)
        # The id of an image token may lie outside the vocabulary that has scores.
        padded = functional.pad(scores, (0, missing), value=-torch.inf)
        return processors(ids, padded)[:, : scores.shape[1]]

    def each(self, logits: Tensor, rows: Sequence[SearchRow]) -> Tensor:
        """The processed logits [R, V] of rows that have one live row each."""
        if self._idle:
            return logits
        return torch.cat([self(logits[i : i + 1], row, [row.ids]) for i, row in enumerate(rows)])

    def forget(self, number: int) -> None:
        self._rows.pop(number, None)

    def _begin(self, prompt: list[int], limit: int, scores: Tensor) -> _Row:
        before = torch.tensor([prompt], device=scores.device)
        processors = build_processors(self._model, self._config, before, limit)
        return _Row(processors, before, max(0, max(prompt) + 1 - scores.shape[1]))


class _Row(NamedTuple):
    """The processors of one row of the command."""

    processors: LogitsProcessorList
    prompt: Tensor  # [1, P] int64
    missing: int  # how many columns of scores are added, so that every id of the prompt has one
