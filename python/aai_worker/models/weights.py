"""Attention weights of modules that return them: those under eager attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from torch import Tensor, nn

K = TypeVar("K")


@contextmanager
def weights_of(modules: Mapping[K, nn.Module]) -> Iterator[dict[K, Tensor]]:
    """Keeps the weights [H, Q, N] of these modules in one pass over one image, and leaves no hook behind."""
    weights: dict[K, Tensor] = {}

    def keep(key: K, _module: nn.Module, _inputs: Any, output: tuple[Tensor, Tensor]) -> None:
        weights[key] = output[1][0]

    hooks = [module.register_forward_hook(partial(keep, key)) for key, module in modules.items()]
    try:
        yield weights
    finally:
        for hook in hooks:
            hook.remove()
