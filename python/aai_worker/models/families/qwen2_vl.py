"""Qwen2-VL (`Qwen2VLForConditionalGeneration`): images of any size, every 2 x 2 patches one token, M-RoPE."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Embedded, Pixels, VisionFeatures
from ..tower import TowerModel


class Qwen2Vl(TowerModel):
    family = "qwen2_vl"
    dynamic = True

    @property
    def tower(self) -> nn.Module:
        return self.network.model.visual

    @property
    def merge(self) -> int:
        """Patches per token, along each side."""
        return int(self.network.config.vision_config.spatial_merge_size)

    @property
    def written_image(self) -> str:
        config = self.network.config
        ids = [config.vision_start_token_id, self.image_token_id, config.vision_end_token_id]
        return "".join(self.tokenizer.convert_ids_to_tokens(ids))

    def patch_grid(self, pixels: Pixels) -> tuple[int, int]:
        _, rows, columns = pixels.layout["image_grid_thw"][0].tolist()
        return rows, columns

    def count_image_tokens(self, pixels: Pixels) -> int:
        return int(pixels.layout["image_grid_thw"].prod()) // self.merge**2

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        grid = layout["image_grid_thw"]
        seen = self.network.model.get_image_features(values, grid, return_dict=True)
        return seen.pooler_output[0], {"image_grid_thw": grid}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        """Patches come token by token, the tokens row by row: each gets the mean of its patches."""
        rows, columns = self.patch_grid(pixels)
        side = self.merge
        patches = self.in_token_order(received[0].reshape(-1, side**2), pixels)  # [token, patch]
        grid = patches.reshape(rows // side, columns // side, side, side).transpose(1, 2)
        whole = TokenGrid(first=0, rows=rows // side, columns=columns // side)
        return Reference(patches.mean(dim=1), grid.reshape(rows, columns), whole)

    def in_token_order(self, patches: Tensor, pixels: Pixels) -> Tensor:
        """[token, patch], tokens as the tower has them at its reference layer -> as the decoder has them."""
        return patches

    def embed(self, ids: list[int], vision: VisionFeatures | None) -> Embedded:
        """Positions have three axes (time, row, column), which agree on text."""
        prompt = super().embed(ids, vision)
        if vision is None:
            return prompt._replace(positions=prompt.positions.expand(3, -1))
        tokens = torch.tensor([ids], device=self.device)
        positions, _ = self.network.model.get_rope_index(
            tokens,
            mm_token_type_ids=(tokens == self.image_token_id).int(),
            image_grid_thw=vision.extras["image_grid_thw"],
        )
        return prompt._replace(positions=positions[:, 0])

    def repeat_first_frame(self, values: Tensor) -> Tensor:
        frames = values.unflatten(1, (3, self.network.config.vision_config.temporal_patch_size, -1))
        return frames[:, :, :1].expand_as(frames).flatten(1)

    def whole_image(self, pixels: Pixels) -> Tensor:
        rows, columns = self.patch_grid(pixels)
        side, size = self.merge, self.patch_size
        patches = pixels.values.reshape(rows // side, columns // side, side, side, 3, -1, size, size)
        frame = patches[:, :, :, :, :, 0]  # of two, which are equal
        return frame.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * size, columns * size)
