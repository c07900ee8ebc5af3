"""Mistral 3 (`Mistral3ForConditionalGeneration`): Pixtral's tower, 2 x 2 patches a token."""

from __future__ import annotations

from PIL import Image

from ...errors import WorkerError
from ..family import Pixels
from .pixtral import Pixtral


class Mistral3(Pixtral):
    family = "mistral3"

    @property
    def merge(self) -> int:
        return int(self.network.config.spatial_merge_size)

    def preprocess(self, image: Image.Image) -> Pixels:
        pixels = super().preprocess(image)
        if self.count_image_tokens(pixels) == 1:
            width, height = image.size
            raise WorkerError(
                "bad-image",
                f"The {width} x {height} image makes one image token only, which transformers' Mistral 3 "
                "cannot take; enlarge it.",
            )
        return pixels
