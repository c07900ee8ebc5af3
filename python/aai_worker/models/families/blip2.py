"""BLIP-2 with a decoder-only language model (`Blip2ForConditionalGeneration` with OPT)."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from ...text.prompts import PLACEHOLDER, chat_template
from ..family import Pixels
from ..qformer import QFormerModel


class Blip2(QFormerModel):
    family = "blip-2"
    written_templates = ("blip2",)

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        super().__init__(network, tokenizer, image_processor, source)
        if tokenizer.chat_template is None:
            tokenizer.chat_template = chat_template(self.written_templates[0])

    def tokenise(self, text: str, pixels: Pixels | None) -> list[int]:
        """As transformers' processor: the image stands before everything, BOS included."""
        text = text.replace(PLACEHOLDER, self.marker)
        rest = text.removeprefix(self.marker)
        if pixels is None or rest == text or self.marker in rest:
            return super().tokenise(text, pixels)
        return [self.image_token_id] * self.count_image_tokens(pixels) + super().tokenise(rest, None)
