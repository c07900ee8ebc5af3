"""SID, "Self-Introspective Decoding" (ICLR 2025): contrast with the image tokens that matter least.

The second stream has the same prompt, but from decoder layer `layer` on it sees only the `keep` image tokens
that the newest query attended to least in the layer before (mean over heads). Text stays visible. The tokens
are chosen again at every step. In the prefill the last token chooses for all queries, as in the
attention-mask form of the released code (huofushuo/SID, modeling_llama.py, lines 782 to 803); so the
question, too, is read with hidden image tokens. logits = (1 + alpha) * l - alpha * l(second), then the
plausibility constraint.

The released code chooses by the first item of a batch for all items, and its greedy search takes the best
token before the constraint. Here every row chooses for itself, and the search comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..attention import AttentionStep, PromptLayer, SharedPrefix, mark
from ..errors import WorkerError
from ..inputs.prepare import Prepared
from ..kv.batch import Batch
from ..kv.prefix import Prefix, prefill
from ..models import Model, VisionFeatures
from .base import Contrast, Outcome, contrast_method, keep_plausible


@contrast_method("sid")
class Sid(Contrast):
    needs_image = True
    second_stream = True

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
        if not 1 <= keep < len(sample.positions.image):
            raise WorkerError(
                "bad-input",
                f"sid: keep is {keep}, but the image has {len(sample.positions.image)} tokens; some must be "
                f"hidden, so it may be 1 to {len(sample.positions.image) - 1}.",
            )

    def create_second_stream(self, model: Model) -> Batch:
        return _HalfBlindBatch(model, self.parameters.layer, self.parameters.keep)

    def prefill(
        self,
        model: Model,
        samples: Sequence[Prepared],
        vision: Sequence[VisionFeatures | None],
        should_stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> list[Prefix]:
        prompts = [
            model.embed(sample.ids, features) for sample, features in zip(samples, vision, strict=True)
        ]
        positions = [sample.positions.image for sample in samples]

        def plan(numbers: Sequence[int]) -> _HalfBlindPrompts:
            image = mark([positions[number] for number in numbers])
            return _HalfBlindPrompts(image, self.parameters.layer, self.parameters.keep)

        return prefill(model, prompts, positions, should_stop, progress, plan)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        assert other is not None
        alpha = self.parameters.alpha
        logits = main.step(attention)
        contrasted = (1 + alpha) * logits - alpha * other.step(None)
        return Outcome(logits, keep_plausible(contrasted, logits, self.parameters.beta))


def find_hidden(weights: Tensor, image: Tensor, keep: int) -> Tensor:
    """[R, K'] bool, True at all image columns but the `keep` that get the least attention.

    `weights` [R, Hq, K] are the newest query's; `image` [R, K'] bool is True at image columns, K' <= K.
    """
    image = image.to(weights.device)
    received = weights.mean(dim=1)[:, : image.shape[1]].masked_fill(~image, torch.inf)
    return image.scatter(-1, received.topk(keep, dim=-1, largest=False).indices, False)


class _HalfBlindPrompts:
    """Hides image keys from every query of B prompts, once the last query's attention has chosen them."""

    whole = True

    def __init__(self, image: Tensor, layer: int, keep: int) -> None:
        self._image = image  # [B, K'] bool, True at image columns
        self._layer = layer
        self._keep = keep
        self._hidden = image

    def attend(self, layer: PromptLayer) -> Tensor:
        if layer.number == self._layer - 1:
            self._choose(layer)
        return layer.plain(layer.mask if layer.number < self._layer else self._without_hidden(layer))

    def _choose(self, layer: PromptLayer) -> None:
        last = layer.query.shape[2] - 1
        weights = [
            layer.weights(prompt, last, layer.logits(prompt, last)).flatten(1, 2)  # [1, Hq, K]
            for prompt in range(len(layer.query))
        ]
        self._hidden = find_hidden(torch.cat(weights), self._image, self._keep)

    def _without_hidden(self, layer: PromptLayer) -> Tensor:
        """The layer's mask without the hidden keys, [B, 1, Q, K] bool, True = may attend."""
        count, device = layer.query.shape[2], layer.query.device
        own = torch.eye(count, dtype=torch.bool, device=device)
        mask = own.new_ones(count, count).tril()[None, None] if layer.mask is None else layer.mask
        mask = mask.expand(len(layer.query), -1, -1, -1).clone()
        mask[..., : self._hidden.shape[1]] &= ~self._hidden[:, None, None].to(device)
        return mask | (own & ~mask.any(dim=-1, keepdim=True))  # A query that sees no key sees itself.


class _HalfBlindBatch(Batch):
    """The second stream: every step hides image keys."""

    def __init__(self, model: Model, layer: int, keep: int) -> None:
        super().__init__(model)
        self._layer = layer
        self._keep = keep
        self._image = torch.empty(0)  # [R, column] bool, True at image columns
        self._image_of: SharedPrefix | None = None  # the prefix that `_image` was made for

    def step(self, attention: AttentionStep | None) -> Tensor:
        shared = self.arranged()
        if shared is not self._image_of:
            positions, lengths = zip(
                *((one.image_positions, one.length) for one in self.prefixes), strict=True
            )
            self._image, self._image_of = self.layout.mask(positions, lengths).to(self.model.device), shared
        hiding = _Hiding(self._image, self._layer, self._keep)
        return super().step(AttentionStep(intervention=hiding, observer=hiding))


class _Hiding:
    """Hides image keys in one step, once the attention of the layer before has chosen them."""

    def __init__(self, image: Tensor, layer: int, keep: int) -> None:
        self.layers = [layer - 1]
        self._image = image
        self._layer = layer
        self._keep = keep
        self._hidden = image

    def record(self, layer: int, weights: Tensor) -> None:
        self._hidden = find_hidden(weights, self._image, self._keep)

    def apply(self, layer: int, logits: Tensor) -> Tensor:
        if layer >= self._layer:
            width = self._hidden.shape[1]
            logits[..., :width].masked_fill_(self._hidden[:, None, None].to(logits.device), -torch.inf)
        return logits
