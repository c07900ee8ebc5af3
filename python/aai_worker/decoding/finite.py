"""Logits that are no numbers: weights that overflow, in float16 above all, or that are damaged.

No search would notice: greedy would write token 0 for ever, and the empty text would be scored.
"""

from __future__ import annotations

import math

from torch import Tensor

from ..protocol import WorkerFault


def find_broken(logits: Tensor) -> list[int]:
    """Rows of logits [R, V] that hold a NaN or +inf, or -inf alone: a contrast leaves out tokens, not all."""
    peaks = logits.amax(dim=-1).tolist()  # NaN where any is
    return [row for row, peak in enumerate(peaks) if not math.isfinite(peak)]


def explain_broken(token: int) -> WorkerFault:
    """`token`: how many were written before."""
    return WorkerFault(
        code="not-finite",
        message=f"The logits of token {token} are not finite (NaN or infinite), so the answer was given up. "
        "Load the model in bfloat16 or float32, as float16 overflows; where that changes nothing, its "
        "weights are damaged, or an edit or contrast has values that are far too large.",
        traceback="",
    )
