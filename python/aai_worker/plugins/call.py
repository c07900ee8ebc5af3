"""Calling a plug-in: what it raises or returns amiss becomes one sentence that names its own line."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..errors import WorkerError
from ..memory import is_out_of_memory
from .load import describe_error
from .registry import BoundPlugin


def call_plugin(plugin: BoundPlugin, given: list[Tensor], offered: dict[str, Any]) -> Tensor:
    """`given`: logits, the first of which the result must resemble; `offered`: what it may ask for."""
    like = given[0]
    shape, dtype, device = like.shape, like.dtype, like.device
    asked = [offered[name] for name in plugin.declaration.takes]
    try:
        result = plugin.declaration.function(*given, *asked, **plugin.values)
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise  # the batch may become smaller
        raise _failed(plugin, f"raised {describe_error(error)}{plugin.file.place(error)}.") from error
    if not isinstance(result, Tensor):
        got = type(result).__name__
        raise _failed(plugin, f"returned {got}; {_describe(shape, dtype, device)} is needed.")
    if (result.shape, result.dtype, result.device) != (shape, dtype, device):
        got = _describe(result.shape, result.dtype, result.device)
        raise _failed(plugin, f"returned {got}; {_describe(shape, dtype, device)} is needed.")
    if not bool((result < torch.inf).all()):  # false for NaN too
        raise _failed(plugin, "returned values that are NaN or +inf.")
    return result


def _describe(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> str:
    return f"{str(dtype).removeprefix('torch.')} of shape {list(shape)} on {device}"


def _failed(plugin: BoundPlugin, what: str) -> WorkerError:
    return WorkerError("plugin-failed", f"{plugin.declaration.name} of {plugin.file.name} {what}")
