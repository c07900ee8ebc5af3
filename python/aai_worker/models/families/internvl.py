"""InternVL in transformers' format (`InternVLForConditionalGeneration`): tiles, then the whole image."""

from __future__ import annotations

from typing import Any

from PIL import Image
from torch import Tensor

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Pixels
from ..tower import FixedTower


class InternVl(FixedTower):
    family = "internvl"
    dynamic = True

    def process(self, image: Image.Image, **options: Any) -> Any:
        return super().process(image, crop_to_patches=True, **options)  # as the processor's own default

    def count_image_tokens(self, pixels: Pixels) -> int:
        return len(pixels.values) * round((self.side * self._ratio) ** 2)

    def expand(self, pixels: Pixels) -> str:
        tokens = super().expand(pixels)
        return f"{self.tokenizer.start_image_token}{tokens}{self.tokenizer.end_image_token}"

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        seen = self.network.model.get_image_features(values, return_dict=True)
        return seen.pooler_output.flatten(0, 1), {}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        """Each token gets the mean of the patches that transformers' own pixel shuffle brings to it."""
        grids = received.reshape(-1, self.side, self.side)
        shuffled = self.network.model.pixel_shuffle(grids[..., None], scale_factor=self._ratio)
        tokens = shuffled.mean(dim=-1)  # [tile, row, column]
        _, rows, columns = tokens.shape
        whole = TokenGrid(first=tokens[:-1].numel(), rows=rows, columns=columns)
        return Reference(tokens.flatten(), grids[-1], whole)

    def whole_image(self, pixels: Pixels) -> Tensor:
        return pixels.values[-1]  # the thumbnail behind the tiles, or the only one

    @property
    def _ratio(self) -> float:
        return float(self.network.config.downsample_ratio)
