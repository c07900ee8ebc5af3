"""Qwen2.5-VL (`Qwen2_5_VLForConditionalGeneration`): Qwen2-VL with a tower that attends in windows."""

from __future__ import annotations

import torch
from torch import Tensor

from ..family import Pixels
from .qwen2_vl import Qwen2Vl


class Qwen25Vl(Qwen2Vl):
    family = "qwen2_5_vl"

    def reference_layer(self, mode: str) -> int:
        """Corrected: the last one whose queries see the whole image, the last of all in every checkpoint."""
        if mode == "corrected":
            return int(max(self.network.config.vision_config.fullatt_block_indexes))
        return super().reference_layer(mode)

    def in_token_order(self, patches: Tensor, pixels: Pixels) -> Tensor:
        """The tower works window by window, also in the layers that see all windows."""
        config = self.network.config.vision_config
        rows, columns = (patches // self.merge for patches in self.patch_grid(pixels))
        order = window_order(rows, columns, config.window_size // self.merge // self.patch_size)
        ordered = torch.empty_like(patches)
        ordered[order] = patches
        return ordered


def window_order(rows: int, columns: int, side: int) -> Tensor:
    """Tokens of a grid, numbered row by row, as the tower has them: window by window of `side` x `side`."""
    numbers = torch.arange(rows * columns).reshape(rows, columns)
    padded = torch.nn.functional.pad(numbers, (0, -columns % side, 0, -rows % side), value=-1)
    order = padded.unfold(0, side, side).unfold(1, side, side).flatten()
    return order[order >= 0]
