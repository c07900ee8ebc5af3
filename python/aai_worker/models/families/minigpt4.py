"""MiniGPT-4 7B, as `aai convert minigpt4` writes it: BLIP-2's eyes, Vicuna v0, the image in the prompt."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from ..qformer import QFormerModel


class MiniGpt4(QFormerModel):
    """The answer ends with `###`, head of the next turn, which the released code knows as two sequences."""

    family = "minigpt4"
    written_templates = ("minigpt4", "minigpt4_demo")

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        super().__init__(network, tokenizer, image_processor, source)
        sequences = network.config.align_attention["stop_sequences"]
        self.stop_sequences = tuple(tuple(sequence) for sequence in sequences)
        self.stop_texts = ("###", " ###", "\n###")
