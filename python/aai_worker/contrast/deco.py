"""DeCo, "Dynamic Correction Decoding" (ICLR 2025): an earlier layer's logits are added to the last layer's.

Candidates are the likeliest tokens that together have probability `top_p`, `max_candidates` at most. Of the
given layers, the one that gives any candidate the highest probability, m, is used: l + alpha * m * l_early.
All tokens but candidates are left out. Early exits pass the decoder's final norm and the LM head, as in the
released code. That code is for one row; here every row has its own layer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..attention import AttentionStep
from ..inputs.prepare import Prepared
from ..kv.batch import Batch
from ..models import Model
from .base import Contrast, Outcome, check_exits, contrast_method


@contrast_method("deco")
class Deco(Contrast):
    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        check_exits(self.method, self._layers, model.layers)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        logits, early = main.step_layers(attention, self._layers, normed=True)
        candidates = find_candidates(logits, self.parameters.top_p, self.parameters.max_candidates)
        return Outcome(logits, correct(logits, early, candidates, self.parameters.alpha))

    @property
    def _layers(self) -> list[int]:
        return list(range(*self.parameters.layers))


def find_candidates(logits: Tensor, top_p: float, count: int) -> Tensor:
    """[R, V] bool, True at the candidates among tokens with these logits [R, V]."""
    best = logits.softmax(dim=-1).topk(min(count, logits.shape[-1]), dim=-1)
    before = best.values.cumsum(dim=-1) - best.values  # The probability of all likelier tokens.
    kept = before < top_p
    return torch.zeros_like(logits, dtype=torch.bool).scatter(-1, best.indices, kept)


def correct(logits: Tensor, early: Tensor, candidates: Tensor, alpha: float) -> Tensor:
    """The corrected logits [R, V], from the last layer's [R, V] and the `early` layers' [layer, R, V]."""
    sure = early.softmax(dim=-1).masked_fill(~candidates, -1).amax(dim=-1)  # [layer, R]
    most, layer = sure.max(dim=0)  # [R]
    premature = early[layer, torch.arange(len(layer), device=layer.device)]
    return (logits + alpha * most[:, None] * premature).masked_fill(~candidates, -torch.inf)
