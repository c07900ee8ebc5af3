"""PAI's rule, x <- x + gain * |x| on the logits x of image keys, with a gain for each key."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def boost(gain: Tensor) -> Callable[[Tensor], Tensor]:
    """`gain` [R, 1, 1, W] float32 -> a function that edits logits [R, Hkv, G, K] float32 in place, K >= W."""
    width = gain.shape[-1]  # Image keys end within the prompt, while K grows with the answer.

    def apply(logits: Tensor) -> Tensor:
        x = logits[..., :width]
        logits[..., :width] = x + gain * x.abs()
        return logits

    return apply
