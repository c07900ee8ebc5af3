"""PAI's logit part (ECCV 2024), a classifier-free guidance: contrast with the answer without the image.

logits = gamma * (lc - lu) + lu, where lc and lu are the log-probabilities with and without the image. Tokens
with lc below log(beta) + max lc are left out. gamma 1 is plain decoding. The code computes
l + (gamma - 1) * (lc - lu) with the logits l, which differs by a constant per row only.

Unlike in the released code, the image-free KV cache follows the beams, each row has its own image-free prompt
in a batch, too, and attention is edited from the first token on.
"""

from __future__ import annotations

from torch import Tensor

from .base import contrast_method, keep_plausible
from .image_free import ImageFree


@contrast_method("paiCfg")
class PaiCfg(ImageFree):
    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        weight = self.parameters.gamma - 1
        if weight == 0:
            return main
        gain = main.log_softmax(dim=-1) - other.log_softmax(dim=-1)
        return keep_plausible(main + weight * gain, main, self.parameters.beta)
