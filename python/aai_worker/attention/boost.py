"""x <- x + gain * |x| on the logits x of image keys: PAI's rule, with a gain for each key."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def boost(gain: Tensor) -> Callable[[Tensor], Tensor]:
    """`gain` [R, 1, 1, W] float32 -> a function on logits, [R, Hkv, G, K] float32, in place."""
    width = gain.shape[-1]  # image keys end within the prompt, K grows

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = x + gain * x.abs()
        return logits

    return apply
