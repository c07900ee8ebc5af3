"""Idefics3, SmolVLM (`...ForConditionalGeneration`): tagged tiles, row by row, then the whole image."""

from __future__ import annotations

from typing import Any

from PIL import Image
from torch import Tensor, nn

from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Pixels
from ..tower import FixedTower

_AROUND = "<fake_token_around_image>"


class Idefics3(FixedTower):
    family = "idefics3"
    dynamic = True

    @property
    def tower(self) -> nn.Module:
        return self.network.model.vision_model

    def process(self, image: Image.Image, **options: Any) -> Any:
        return super().process(image, return_row_col_info=True, **options)

    def count_image_tokens(self, pixels: Pixels) -> int:
        return pixels.values.shape[1] * self._tile_tokens

    def expand(self, pixels: Pixels) -> str:
        token = self.tokenizer.convert_ids_to_tokens(self.image_token_id)
        tokens = token * self._tile_tokens
        rows, columns = (int(pixels.layout[name].flatten()[0]) for name in ("rows", "cols"))
        whole = f"{_AROUND}<global-img>{tokens}{_AROUND}"
        if not rows:
            return whole
        tiles = [
            "".join(f"{_AROUND}<row_{row + 1}_col_{column + 1}>{tokens}" for column in range(columns))
            for row in range(rows)
        ]
        return "\n".join([*tiles, f"\n{whole}"])

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        mask = layout.get("pixel_attention_mask")
        seen = self.network.model.get_image_features(values, mask, return_dict=True)
        return seen.pooler_output[0], {}

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        """Each token gets the mean of the patches that transformers' own pixel shuffle brings to it."""
        shuffled = self.network.model.connector.pixel_shuffle(received[..., None], self._factor)
        tokens = shuffled.mean(dim=-1)  # [tile, token]
        side = self.side // self._factor
        whole = TokenGrid(first=tokens[:-1].numel(), rows=side, columns=side)
        return Reference(tokens.flatten(), received[-1].reshape(self.side, self.side), whole)

    def whole_image(self, pixels: Pixels) -> Tensor:
        return pixels.values[0, -1]

    @property
    def _factor(self) -> int:
        return int(self.network.config.scale_factor)

    @property
    def _tile_tokens(self) -> int:
        return self.side**2 // self._factor**2


class SmolVlm(Idefics3):
    family = "smolvlm"
