"""DoLa (ICLR 2024): contrast of the last layer with the earlier layer that differs most from it.

The result is log p_final - log p_early. Tokens below `relative_top` times the probability of the best token
are left out. As in the released code, the early exit passes the LM head alone, without the final norm, and
the layer is picked by a divergence: with m = (p_final + p_early) / 2, the sum over both p of the mean over
the vocabulary of m * (log m - log p). That code picks one layer for all rows of a batch; here each row has
its own.
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
    """The contrasted logits [R, V], from those of the last layer [R, V] and of early exits [layer, R, V]."""
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
