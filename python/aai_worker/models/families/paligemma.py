"""PaliGemma (`PaliGemmaForConditionalGeneration`): SigLIP, and a prompt whose tokens all see one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Embedded, Pixels, VisionFeatures
from ..tower import FixedTower

# What the family's own processor makes of a question: these checkpoints come without a chat template.
_TEMPLATE = (
    "{% for part in messages[0]['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{{ '\n' }}"
)


class PaliGemma(FixedTower):
    family = "paligemma"
    bidirectional_prompt = True

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        if tokenizer.chat_template is None:
            tokenizer.chat_template = _TEMPLATE
        super().__init__(network, tokenizer, image_processor, source)

    def count_image_tokens(self, pixels: Pixels) -> int:
        return self.side**2

    def expand(self, pixels: Pixels) -> str:
        """BOS stands behind the image, before the text."""
        return f"{super().expand(pixels)}{self.tokenizer.bos_token}"

    def has_bos(self, text: str) -> bool:
        return str(self.tokenizer.bos_token) in text

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        return self.network.model.get_image_features(values, return_dict=True).pooler_output[0], {}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        whole = TokenGrid(first=0, rows=self.side, columns=self.side)
        return Reference(received[0], received.reshape(self.side, self.side), whole)

    def embed(self, ids: list[int], vision: VisionFeatures | None) -> Embedded:
        prompt = super().embed(ids, vision)
        return prompt._replace(positions=prompt.positions + 1)  # this family counts from 1

    def prefill_arguments(self, prompts: Sequence[Embedded], length: int) -> dict[str, Any]:
        """Type 0 is the prompt, all of whose tokens see one another."""
        return {"token_type_ids": torch.zeros(len(prompts), length, dtype=torch.long, device=self.device)}
