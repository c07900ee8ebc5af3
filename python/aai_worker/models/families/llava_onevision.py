"""LLaVA-OneVision (`LlavaOnevisionForConditionalGeneration`): LLaVA-NeXT with a bound on its grid."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import interpolate

from ..family import Pixels
from .llava_next import LlavaNext


class LlavaOnevision(LlavaNext):
    family = "llava_onevision"
    written_templates = ()

    def stitch(self, tiles: Tensor, pixels: Pixels) -> Tensor:
        """A grid more than 1.1 times as wide as `anyres_max_N`'s N tiles is shrunk to them, bilinearly."""
        grid = super().stitch(tiles, pixels)
        rows, columns = grid.shape
        most = int(self.network.config.vision_aspect_ratio.removeprefix("anyres_max_"))
        ratio = math.sqrt(rows * columns / (most * self.side**2))
        if ratio <= 1.1:
            return grid
        smaller = [int(rows // ratio), int(columns // ratio)]
        return interpolate(grid[None, None], smaller, mode="bilinear")[0, 0]
