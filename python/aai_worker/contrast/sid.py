"""SID, "Self-Introspective Decoding" (ICLR 2025): contrast with the image tokens that matter least.

A second stream sees the same prompt, but from decoder layer `layer` on the newest query may look only at the
`keep` image tokens that it attended to least in the layer before (mean over heads); text stays visible. They
are chosen anew at every step. logits = (1 + alpha) * l - alpha * l(second), then the plausibility constraint.

The released code, in its attention-mask form, chooses by the first item of a batch for all, and its greedy
search takes the best token before the constraint; here rows choose for themselves and the search comes last.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..attention import AttentionStep, Plan, SharedPrefix, columns_of
from ..batch import Batch
from ..errors import WorkerError
from ..models import Model
from ..prepare import Prepared
from .base import Contrast, Outcome, keep_plausible


class Sid(Contrast):
    needs_image = True

    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        if model.cross_layers:
            raise WorkerError(
                "bad-input",
                "sid hides image tokens among a prompt's, of which this decoder has none: it sees the image "
                "in cross-attention layers.",
            )
        layer, keep = self.parameters.layer, self.parameters.keep
        if not 1 <= layer < model.layers:
            raise WorkerError("bad-input", f"sid: layer is {layer}; it may be 1 to {model.layers - 1}.")
        if not 1 <= keep < len(sample.keys.image):
            raise WorkerError(
                "bad-input",
                f"sid: keep is {keep}, but the image has {len(sample.keys.image)} tokens; some must be "
                f"hidden, so it may be 1 to {len(sample.keys.image) - 1}.",
            )

    def open(self, model: Model) -> Batch:
        return _Dim(model, self.parameters.layer, self.parameters.keep)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        assert other is not None
        alpha = self.parameters.alpha
        logits = main.step(attention)
        contrasted = (1 + alpha) * logits - alpha * other.step(None)
        return Outcome(logits, keep_plausible(contrasted, logits, self.parameters.beta))


class _Dim(Batch):
    """The main stream's twin: the same prompts, half blind."""

    def __init__(self, model: Model, layer: int, keep: int) -> None:
        super().__init__(model)
        self._layer = layer
        self._keep = keep
        self._image = torch.empty(0)  # [R, column] bool, up to the last image column of any row
        self._image_of: SharedPrefix | None = None

    def step(self, attention: AttentionStep | None) -> Tensor:
        shared = self.arranged()
        if shared is not self._image_of:
            self._image, self._image_of = self._find_image(), shared
        blinkers = _Blinkers(self._image, shared.width, self._layer, self._keep)
        return super().step(AttentionStep(blinkers, blinkers.choose, frozenset([self._layer - 1])))

    def _find_image(self) -> Tensor:
        columns = [columns_of(prefix.image_keys, prefix.length, self.width) for prefix in self.prefixes]
        image = torch.zeros(len(columns), max(map(max, columns)) + 1, dtype=torch.bool)
        for row, own in enumerate(columns):
            image[row, own] = True
        return image.to(self.model.device)


class _Blinkers(Plan):
    """Hides the image keys of one step, once the layer before has told which."""

    def __init__(self, image: Tensor, width: int, layer: int, keep: int) -> None:
        super().__init__([], width)
        self.image = image
        self.layer = layer
        self.keep = keep
        self.hidden = image

    def choose(self, layer: int, weights: Tensor) -> None:
        """`weights` [R, Hq, K]."""
        image = self.image.to(weights.device)
        received = weights.mean(dim=1)[:, : image.shape[1]].masked_fill(~image, torch.inf)
        least = received.topk(self.keep, dim=-1, largest=False).indices
        self.hidden = image.scatter(-1, least, False)

    def apply(self, layer: int, logits: Tensor) -> Tensor:
        if layer >= self.layer:
            width = self.hidden.shape[1]
            logits[..., :width].masked_fill_(self.hidden[:, None, None].to(logits.device), -torch.inf)
        return logits
