"""DoLa (ICLR 2024): contrast of the last layer with the earlier one that differs most from it.

log p_final - log p_early, tokens below `relative_top` times the best one's probability left out. The early
exit goes through the LM head alone, without the final norm, and the divergence that picks it is the mean over
the vocabulary of m * (log m - log p), m half of both: as in the released code. There the layer is picked once
for all rows of a batch, here row by row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..attention import AttentionStep
from ..inputs.prepare import Prepared
from ..kv.batch import Batch
from ..models import Model
from .base import Contrast, Outcome, check_exits, contrast_method


@contrast_method("dola")
class Dola(Contrast):
    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        check_exits(self.method, self.parameters.layers, model.layers)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        logits, early = main.step_layers(attention, self.parameters.layers, normed=False)
        return Outcome(logits, contrast_layers(logits, early, self.parameters.relative_top))


def contrast_layers(logits: Tensor, early: Tensor, relative_top: float) -> Tensor:
    """[R, V] of the last layer and [layer, R, V] of earlier ones -> [R, V]."""
    final, candidates = logits.log_softmax(dim=-1), early.log_softmax(dim=-1)
    middle = (final.exp() + candidates.exp()) / 2  # [layer, R, V]
    entropy = torch.xlogy(middle, middle)
    to_final, to_early = (entropy - middle * final).mean(dim=-1), (entropy - middle * candidates).mean(dim=-1)
    layer = (to_final + to_early).argmax(dim=0)  # [R]
    premature = candidates[layer, torch.arange(len(layer), device=layer.device)]
    contrasted = final - premature
    if relative_top == 0:
        return contrasted
    threshold = final.max(dim=-1, keepdim=True).values + math.log(relative_top)
    return contrasted.masked_fill(final < threshold, -torch.inf)
