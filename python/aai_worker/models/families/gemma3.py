"""Gemma 3 (`Gemma3ForConditionalGeneration`): SigLIP pooled to 16 x 16 tokens, which all see one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Embedded, Pixels, VisionFeatures
from ..tower import FixedTower, pool


class Gemma3(FixedTower):
    family = "gemma3"
    bidirectional_prompt = True  # within the image

    @property
    def marker(self) -> str:
        return str(self.tokenizer.boi_token)

    def count_image_tokens(self, pixels: Pixels) -> int:
        return len(pixels.values) * int(self.network.config.mm_tokens_per_image)

    def expand(self, pixels: Pixels) -> str:
        count = int(self.network.config.mm_tokens_per_image)
        token = self.tokenizer.convert_ids_to_tokens(self.image_token_id)
        one = f"\n\n{self.tokenizer.boi_token}{token * count}{self.tokenizer.eoi_token}\n\n"
        crops = len(pixels.values) - 1  # of "pan and scan", where the checkpoint's settings ask for it
        if not crops:
            return one
        return f"Here is the original image {one} and here are some crops to help you see better " + " ".join(
            [one] * crops
        )

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        seen = self.network.model.get_image_features(values, return_dict=True)
        return seen.pooler_output.flatten(0, 1), {}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        grids = received.reshape(-1, self.side, self.side)
        size = self.side // round(int(self.network.config.mm_tokens_per_image) ** 0.5)
        tokens = pool(grids, size)
        whole = TokenGrid(first=0, rows=tokens.shape[1], columns=tokens.shape[2])
        return Reference(tokens.flatten(), grids[0], whole)

    def embed(self, ids: list[int], vision: VisionFeatures | None) -> Embedded:
        is_image = torch.tensor(ids, device=self.device) == self.image_token_id
        return super().embed(ids, vision)._replace(extras={"token_type_ids": is_image.long()})

    def prefill_arguments(self, prompts: Sequence[Embedded], length: int) -> dict[str, Any]:
        return {"token_type_ids": torch.stack([prompt.extras["token_type_ids"] for prompt in prompts])}
