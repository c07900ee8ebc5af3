"""Finds logits that are no numbers: values that overflow, mostly in float16, and damaged weights make them.

No search would notice: greedy search would write token 0 for ever, and an empty text would be scored.
"""

from __future__ import annotations

import math

from torch import Tensor

from ..protocol import WorkerFault


def find_broken(logits: Tensor) -> list[int]:
    """The rows of logits [R, V] that hold a NaN or +inf, or nothing but -inf.

    Some -inf are fine: a contrast leaves out tokens, but never all of them.
    """
    peaks = logits.amax(dim=-1).tolist()  # A row with a NaN has the maximum NaN.
    return [row for row, peak in enumerate(peaks) if not math.isfinite(peak)]


def explain_broken(token: int) -> WorkerFault:
    """The fault of a row whose token number `token`, counted from 0, had such logits."""
    return WorkerFault(
        code="not-finite",
        message=f"The logits of token {token} are not finite (NaN or infinite), so the answer was given up. "
        "Load the model in bfloat16 or float32, as float16 overflows; where that changes nothing, its "
        "weights are damaged, or an edit or contrast has values that are far too large.",
        traceback="",
    )
