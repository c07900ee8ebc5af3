"""ICD, "Instruction Contrastive Decoding" (ACL Findings 2024): contrast with a disturbed instruction.

logits = (1 + alpha) * l - alpha * l(disturbed), then the plausibility constraint on l. The disturbance is put
before the question, or before the whole text of a raw prompt. Where the vision pass reads the prompt, as
InstructBLIP's Q-Former does, only the vision pass reads the disturbed prompt, as in the released code.
"""

from __future__ import annotations

import msgspec
from torch import Tensor

from ..errors import WorkerError
from ..inputs.prepare import Prepared
from ..models import Embedded, Model, VisionFeatures
from ..text.prompts import PLACEHOLDER, build_prompt
from .base import TwoStreams, contrast_method, keep_plausible


@contrast_method("icd")
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

    def prompt(self, model: Model, sample: Prepared, vision: VisionFeatures | None) -> Embedded:
        if sample.pixels is not None and model.instructed:
            text = self._disturb(model, sample).replace(PLACEHOLDER, "")
            vision = model.encode_image(model.instruct(sample.pixels, text), frozenset())
        return model.embed(self._ids(model, sample), vision)

    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        alpha = self.parameters.alpha
        return keep_plausible((1 + alpha) * main - alpha * other, main, self.parameters.beta)

    def _ids(self, model: Model, sample: Prepared) -> list[int]:
        """The token ids that the decoder reads in the second stream."""
        if sample.pixels is not None and model.instructed:
            return sample.ids
        return model.tokenise(self._disturb(model, sample), sample.pixels)

    def _disturb(self, model: Model, sample: Prepared) -> str:
        """The prompt's text with the disturbance."""
        text = f"{self.parameters.disturbance} {sample.prompt.text}"
        disturbed = msgspec.structs.replace(sample.prompt, text=text)
        return build_prompt(disturbed, sample.image is not None, model.tokenizer)
