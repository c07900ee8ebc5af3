"""LLaVA-NeXT (`LlavaNextForConditionalGeneration`): the whole image, then tiles, stitched and unpadded."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape, unpad_image

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Pixels
from ..tower import FixedTower


class LlavaNext(FixedTower):
    """Every row of the stitched grid ends with a newline, under the image token's id: it is no image key."""

    family = "llava_next"
    written_templates: ClassVar[tuple[str, ...]] = ("vicuna_v1", "vicuna_pai", "plain")
    dynamic = True

    def count_image_tokens(self, pixels: Pixels) -> int:
        rows, columns = self.stitched(pixels)
        return self.side**2 + rows * (columns + 1)

    def image_positions(self, ids: list[int], pixels: Pixels | None) -> list[int]:
        positions = super().image_positions(ids, pixels)
        if pixels is None:
            return positions
        _, columns = self.stitched(pixels)
        base = self.side**2
        return [
            key for place, key in enumerate(positions) if place < base or (place - base + 1) % (columns + 1)
        ]

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        seen = self.network.model.get_image_features(values, layout["image_sizes"], return_dict=True)
        return seen.pooler_output[0], {}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        """`grid` is that of the whole image. The padding around the tiles keeps what it received."""
        base, tiles = received[0], received[1:]
        tokens = torch.cat([base, self.stitch(tiles, pixels).flatten()])
        whole = TokenGrid(first=0, rows=self.side, columns=self.side)
        return Reference(tokens, base.reshape(self.side, self.side), whole)

    def stitched(self, pixels: Pixels) -> tuple[int, int]:
        """Rows and columns of the tiles' tokens, newlines left out."""
        rows, columns = self._tiles(pixels)
        empty = torch.zeros(rows * columns, self.side**2)
        height, width = self.stitch(empty, pixels).shape
        return height, width

    def stitch(self, tiles: Tensor, pixels: Pixels) -> Tensor:
        """[tiles, side * side] -> [rows, columns]"""
        rows, columns = self._tiles(pixels)
        grid = tiles.reshape(rows, columns, self.side, self.side).transpose(1, 2)
        whole = grid.reshape(1, rows * self.side, columns * self.side)
        return unpad_image(whole, pixels.layout["image_sizes"][0].tolist())[0]

    def _tiles(self, pixels: Pixels) -> tuple[int, int]:
        config = self.network.config
        size = pixels.layout["image_sizes"][0].tolist()
        return get_anyres_image_grid_shape(size, config.image_grid_pinpoints, config.vision_config.image_size)

    def whole_image(self, pixels: Pixels) -> Tensor:
        return pixels.values[0, 0]
