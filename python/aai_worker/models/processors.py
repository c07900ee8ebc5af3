"""transformers' logits processors as `generate` makes and orders them from a generation configuration."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList

from ..errors import WorkerError, first_line
from .family import Model


def build_processors(
    model: Model, config: GenerationConfig, prompt: Tensor, limit: int
) -> LogitsProcessorList:
    """As `generate` builds them for a prompt [1, P] and an answer of at most `limit` tokens."""
    config = deepcopy(config)
    length = prompt.shape[1]
    config.do_sample = False  # a search warps by its own parameters
    config.max_length = length + limit
    if config.min_new_tokens is not None:
        config.min_length = length + config.min_new_tokens
    stops = sorted(model.stop_ids)
    config._eos_token_tensor = torch.tensor(stops, device=prompt.device) if stops else None
    processors: LogitsProcessorList = model.decoder._get_logits_processor(
        config, input_ids_seq_length=length, encoder_input_ids=prompt, device=prompt.device, model_kwargs={}
    )
    return processors


def check_processors(folder: Path, model: Model) -> None:
    """Whether those that the checkpoint asks for can be made."""
    try:
        build_processors(model, model.decoder.generation_config, torch.zeros(1, 2, dtype=torch.long), 1)
    except (ValueError, TypeError) as error:
        raise WorkerError(
            "bad-checkpoint", f'"{folder}": generation_config.json cannot be followed: {first_line(error)}'
        ) from error
