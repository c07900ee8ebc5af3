"""ICD, "Instruction Contrastive Decoding" (ACL Findings 2024): contrast with a disturbed instruction.

logits = (1 + alpha) * l - alpha * l(disturbed), then the plausibility constraint on l. The disturbance stands
before the question; before the whole text where the prompt is raw.
"""

from __future__ import annotations

import msgspec
from torch import Tensor

from ..errors import WorkerError
from ..models import Embedded, Look, Model
from ..prepare import Prepared
from ..prompts import build_prompt
from .base import TwoStreams, keep_plausible


class Icd(TwoStreams):
    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        count = len(self._ids(model, sample))
        if count >= model.context_length:
            raise WorkerError(
                "prompt-too-long",
                f"icd: with the disturbance the prompt has {count} tokens, which leaves no room for an "
                f"answer in the model's context of {model.context_length}; shorten either.",
            )

    def prompt(self, model: Model, sample: Prepared, look: Look | None) -> Embedded:
        return model.embed(self._ids(model, sample), look)

    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        alpha = self.parameters.alpha
        return keep_plausible((1 + alpha) * main - alpha * other, main, self.parameters.beta)

    def _ids(self, model: Model, sample: Prepared) -> list[int]:
        text = f"{self.parameters.disturbance} {sample.prompt.text}"
        disturbed = msgspec.structs.replace(sample.prompt, text=text)
        prompt = build_prompt(disturbed, sample.image is not None, model.tokenizer)
        return model.tokenise(prompt, sample.pixels)
