"""Methods of your own: a function in a Python file of yours, under one decorator.

    from torch import Tensor
    from aai_worker.plugins import attention, contrast

    @attention
    def lift(x: Tensor, *, alpha: float = 0.5) -> Tensor:
        '''x + alpha * |x| on image keys.'''
        return x + alpha * x.abs()

    @contrast(stream="imageFree")
    def guided(main: Tensor, other: Tensor, *, gamma: float = 1.1) -> Tensor:
        '''gamma * (main - other) + other, as log-probabilities.'''
        lc, lu = main.log_softmax(dim=-1), other.log_softmax(dim=-1)
        return gamma * (lc - lu) + lu

What stands before the `*` comes from the engine, row by row: the logits first, then, by name, what else the
function asks for. What stands behind it are the method's own parameters: float, int, bool, str or a Literal
of texts. The worker does the rest: batches, beams, layers, warm-up, capture, attestation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

from .declaration import Declaration, PluginError, Stream, declare
from .load import load_plugin
from .registry import add_plugin, find_plugin

_Function = TypeVar("_Function", bound=Callable[..., object])


def attention(function: _Function) -> _Function:
    """Declares an edit of the decoder's attention logits, applied in every step to the newest query.

    The function gets one row's `x`, [kv heads, group, image keys] float32: logits before the softmax, after
    scaling, of the heads that share a key-value head side by side. It may ask for `reference` (the vision
    reference over its mean, [image keys] float32), `layer` (counted from 0) and `generated` (tokens the row
    has written so far). It returns the edited logits in the same shape. @raise PluginError
    """
    return _mark(function, declare(function, "attention"))


@overload
def contrast(function: _Function) -> _Function: ...
@overload
def contrast(*, stream: Stream) -> Callable[[_Function], _Function]: ...
def contrast(
    function: _Function | None = None, *, stream: Stream = "none"
) -> _Function | Callable[[_Function], _Function]:
    """Declares a contrast: from a row's next-token logits to those that the search sees.

    The function gets `main`, [vocabulary] float32, and, where there is a second `stream`, that stream's
    logits in the same shape: "imageFree" is the same question without the image, "noisyImage" the image under
    VCD's noise. It may ask for `generated` (tokens the row has written so far). It returns logits in the same
    shape; -inf leaves a token out. @raise PluginError
    """
    if function is not None:
        return _mark(function, declare(function, "contrast", stream))
    return lambda given: _mark(given, declare(given, "contrast", stream))


def _mark(function: _Function, declaration: Declaration) -> _Function:
    """The function stays what it is: a test of yours may call it."""
    function.__aai_plugin__ = declaration  # type: ignore[attr-defined]
    return function


__all__ = [
    "Declaration",
    "PluginError",
    "add_plugin",
    "attention",
    "contrast",
    "find_plugin",
    "load_plugin",
]
