"""M3ID (CVPR 2024): contrast with the answer without the image, the stronger the longer the answer is.

logits = lc + (1 - g) / g * (lc - lu), then the plausibility constraint. lc and lu are the log-probabilities
with and without the image, and g = exp(-decay * t) for token t. Tokens are counted from `first_step`: from 1
as in AvisC and MoD, or from 0 as in RITUAL, where the first token is not contrasted. The code has the logits
in place of the first lc, which differ from it by a constant per row only.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .base import contrast_method, keep_plausible
from .image_free import ImageFree


@contrast_method("m3id")
class M3id(ImageFree):
    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        weight = torch.expm1(self.parameters.decay * (age + self.parameters.first_step))  # (1 - g) / g
        gain = main.log_softmax(dim=-1) - other.log_softmax(dim=-1)
        return keep_plausible(main + weight * gain, main, self.parameters.beta)
