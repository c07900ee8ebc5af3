"""Pixtral 12B (`LlavaForConditionalGeneration` with Pixtral's tower): images of any size, a token a patch."""

from __future__ import annotations

from typing import Any

from PIL import Image
from torch import Tensor

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Pixels
from ..tower import TowerModel, pool


class Pixtral(TowerModel):
    family = "pixtral"
    dynamic = True

    @property
    def merge(self) -> int:
        """Patches per token, along each side."""
        return 1

    def process(self, image: Image.Image, **options: Any) -> Any:
        """Sizes are multiples of a whole token's."""
        return super().process(image, patch_size=self.patch_size * self.merge, **options)

    def patch_grid(self, pixels: Pixels) -> tuple[int, int]:
        height, width = pixels.layout["image_sizes"][0].tolist()
        return height // self.patch_size, width // self.patch_size

    def count_image_tokens(self, pixels: Pixels) -> int:
        rows, columns = self.patch_grid(pixels)
        return rows * columns // self.merge**2

    def expand(self, pixels: Pixels) -> str:
        """Every row ends with a token of its own, the last one with another."""
        rows, columns = (patches // self.merge for patches in self.patch_grid(pixels))
        lines = ["[IMG]" * columns] * rows
        return f"{'[IMG_BREAK]'.join(lines)}[IMG_END]"

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        sizes = layout["image_sizes"].tolist()
        seen = self.network.model.get_image_features(values, image_sizes=sizes, return_dict=True)
        return seen.pooler_output[0], {}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        grid = received.reshape(self.patch_grid(pixels))
        tokens = pool(grid, self.merge)
        whole = TokenGrid(first=0, rows=tokens.shape[0], columns=tokens.shape[1])
        return Reference(tokens.flatten(), grid, whole)
