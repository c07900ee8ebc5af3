"""What a converted model is made of: one part per tensor, each made when its turn to be written comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from ..errors import WorkerError
from .files import Weights

Rule = tuple[str, str]  # (pattern for the whole published name, native name with groups of the match)


class Part(NamedTuple):
    shape: tuple[int, ...]
    dtype: torch.dtype
    make: Callable[[], Tensor]


@dataclass
class Recipe:
    """A model to be written. `parts` are in the order of the published files, so that each is read once."""

    network: type[PreTrainedModel]
    config: PreTrainedConfig
    parts: dict[str, Part]  # by native name
    sources: list[Weights]
    save_settings: Callable[[Path], None]  # tokenizer, image processor, generation settings
    dropped: dict[str, list[str]] = field(default_factory=dict)  # published names left out, by option


class Placed(NamedTuple):
    names: dict[str, str]  # native name -> published name
    dropped: list[str]


def place(weights: Weights, rules: Sequence[Rule], drops: Iterable[str]) -> Placed:
    """Where every published tensor goes; one that neither has a place nor is to be dropped is an error."""
    names: dict[str, str] = {}
    dropped, homeless = [], []
    for key in weights.entries:
        native = next((m.expand(to) for pattern, to in rules if (m := re.fullmatch(pattern, key))), None)
        if native is not None:
            names[native] = key
        elif any(re.fullmatch(pattern, key) for pattern in drops):
            dropped.append(key)
        else:
            homeless.append(key)
    if homeless:
        raise WorkerError(
            "bad-checkpoint",
            f'"{weights.path}" ({weights.option}) holds tensors that belong nowhere: {_list(homeless)}. Is '
            "it the right file? What may be left out, --drop names by a regular expression.",
        )
    return Placed(names, dropped)


def parts_of(weights: Weights, placed: Placed) -> dict[str, Part]:
    return {native: take(weights, key) for native, key in placed.names.items()}


def take(weights: Weights, key: str) -> Part:
    shape, dtype = weights.entries[key]
    return Part(shape, dtype, lambda: weights.read(key))


def require_keys(weights: Weights, keys: Iterable[str], what: str) -> None:
    missing = [key for key in keys if key not in weights.entries]
    if missing:
        held = _list(list(weights.entries)) or "nothing"
        raise WorkerError(
            "bad-checkpoint",
            f'"{weights.path}" ({weights.option}) is not {what}: it lacks {_list(missing)}. It holds {held}.',
        )


def check_whole(recipe: Recipe) -> None:
    """Every tensor of the native model has a part of its shape, and every part a tensor."""
    with torch.device("meta"):
        wanted = recipe.network(recipe.config).state_dict()
    faults = {
        "lack": [name for name in wanted if name not in recipe.parts],
        "have too many": [name for name in recipe.parts if name not in wanted],
        "have another shape than the configuration says at": [
            f"{name} {list(part.shape)} (expected {list(wanted[name].shape)})"
            for name, part in recipe.parts.items()
            if name in wanted and tuple(wanted[name].shape) != part.shape
        ],
    }
    for fault, names in faults.items():
        if names:
            paths = ", ".join(f'"{source.path}"' for source in recipe.sources)
            raise WorkerError("bad-checkpoint", f"The published files ({paths}) {fault}: {_list(names)}.")


def config_marks(**marks: Any) -> dict[str, Any]:
    """What a native configuration has no words for, under one key of config.json that our adapters read."""
    return {"align_attention": marks}


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
