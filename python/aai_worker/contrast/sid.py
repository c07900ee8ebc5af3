"""SID, "Self-Introspective Decoding" (ICLR 2025): contrast with the image tokens that matter least.

A second stream sees the same prompt, but from decoder layer `layer` on the newest query may look only at the
`keep` image tokens that it attended to least in the layer before (mean over heads); text stays visible. They
are chosen anew at every step. logits = (1 + alpha) * l - alpha * l(second), then the plausibility constraint.

The released code, in its attention-mask form, chooses by the first item of a batch for all, and its greedy
search takes the best token before the constraint; here rows choose for themselves and the search comes last.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..attention import AttentionStep, Plan
from ..batch import Batch
from ..errors import WorkerError
from ..models import Model
from ..prepare import Prepared
from .base import Contrast, keep_plausible


class Sid(Contrast):
    needs_image = True

    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        layer, keep = self.parameters.layer, self.parameters.keep
        if not 1 <= layer < model.layers:
            raise WorkerError("bad-input", f"sid: layer is {layer}; it may be 1 to {model.layers - 1}.")
        if not 1 <= keep < len(sample.image_keys):
            raise WorkerError(
                "bad-input",
                f"sid: keep is {keep}, but the image has {len(sample.image_keys)} tokens; some must be "
                f"hidden, so it may be 1 to {len(sample.image_keys) - 1}.",
            )

    def open(
        self,
        model: Model,
        main: Batch,
        samples: Sequence[Prepared],
        should_stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> Batch:
        return _Dim(main, samples, self.parameters.layer, self.parameters.keep)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Tensor:
        assert other is not None
        alpha = self.parameters.alpha
        logits = main.step(attention)
        contrasted = (1 + alpha) * logits - alpha * other.step(None)
        return keep_plausible(contrasted, logits, self.parameters.beta)


class _Dim(Batch):
    """The main stream's twin, from the end of the prompt on: same prefix, half blind."""

    def __init__(self, main: Batch, samples: Sequence[Prepared], layer: int, keep: int) -> None:
        cache = copy.copy(main.cache)
        cache.layers = [
            copy.copy(one) for one in main.cache.layers
        ]  # its tensors are replaced, never written
        super().__init__(main.model, cache, main.mask, main.positions, main.fed)
        self.layer = layer
        self.keep = keep
        self.image = torch.zeros_like(main.mask)  # [R, P] bool
        for row, sample in enumerate(samples):
            padding = main.mask.shape[1] - len(sample.ids)
            self.image[row, [padding + key for key in sample.image_keys]] = True

    def step(self, attention: AttentionStep | None) -> Tensor:
        blinkers = _Blinkers(self.image, self.layer, self.keep)
        return super().step(AttentionStep(blinkers, blinkers.choose, frozenset([self.layer - 1])))

    def select(self, parents: list[int]) -> None:
        super().select(parents)
        self.image = self.image[parents]


class _Blinkers(Plan):
    """Hides the image keys of one step, once the layer before has told which."""

    def __init__(self, image: Tensor, layer: int, keep: int) -> None:
        super().__init__([])
        self.image = image
        self.layer = layer
        self.keep = keep
        self.hidden = image

    def choose(self, layer: int, weights: Tensor) -> None:
        """`weights` [R, Hq, K]."""
        received = weights.mean(dim=1)[:, : self.image.shape[1]].masked_fill(~self.image, torch.inf)
        least = received.topk(self.keep, dim=-1, largest=False).indices
        self.hidden = self.image.scatter(-1, least, False)

    def touches(self, layer: int) -> bool:
        return layer >= self.layer

    def apply(self, layer: int, logits: Tensor) -> Tensor:
        if layer >= self.layer:
            width = self.hidden.shape[1]
            logits[..., :width].masked_fill_(self.hidden[:, None, None], -torch.inf)
        return logits
