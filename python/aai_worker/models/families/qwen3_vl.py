"""Qwen3-VL (`Qwen3VLForConditionalGeneration`): Qwen2-VL, and features of earlier tower layers that are added
to the states of the image tokens after the first decoder layers (DeepStack)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..family import Embedded, VisionFeatures
from .qwen2_vl import Qwen2Vl


class Qwen3Vl(Qwen2Vl):
    family = "qwen3_vl"

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        grid = layout["image_grid_thw"]
        seen = self.network.model.get_image_features(values, grid, return_dict=True)
        early = torch.stack([features[0] for features in seen.deepstack_features])  # [layer, tokens, hidden]
        return seen.pooler_output[0], {"image_grid_thw": grid, "deepstack": early}

    def embed(self, ids: list[int], vision: VisionFeatures | None) -> Embedded:
        prompt = super().embed(ids, vision)
        extras = {"is_image": torch.tensor(ids, device=self.device) == self.image_token_id}
        if vision is not None:
            extras["deepstack"] = vision.extras["deepstack"]
        return prompt._replace(extras=extras)

    def prefill_arguments(self, prompts: Sequence[Embedded], length: int) -> dict[str, Any]:
        is_image = torch.stack([prompt.extras["is_image"][:length] for prompt in prompts])
        early = [
            prompt.extras["deepstack"][:, : int(mask.sum())]
            for prompt, mask in zip(prompts, is_image, strict=True)
            if "deepstack" in prompt.extras
        ]
        if not early:
            return {}
        return {"visual_pos_masks": is_image, "deepstack_visual_embeds": list(torch.cat(early, dim=1))}

    def _run_prefill(self, **arguments: Any) -> None:
        self.network.model.language_model(**arguments)  # the network itself does not take these arguments
