"""The plausibility constraint alone, without a contrast: the control for all methods that use it.

"The Mirage of Performance Gains" (arXiv 2504.10020) finds that this filter explains much of what contrasts
gain under sampling.
"""

from __future__ import annotations

from torch import Tensor

from ..attention import AttentionStep
from ..kv.batch import Batch
from .base import Contrast, Outcome, contrast_method, keep_plausible


@contrast_method("apcOnly")
class ApcOnly(Contrast):
    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        logits = main.step(attention)
        return Outcome(logits, keep_plausible(logits, logits, self.parameters.beta))
