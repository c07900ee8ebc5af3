"""Shikra 7B, as `aai convert shikra` writes it: LLaVA with one linear layer, and tokens around the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image
from torch import Tensor

from ...protocol import TokenGrid
from ...vision.reference import Reference, reduce_attention
from ..opera import OperaPrompt
from .llava import Llava


class Shikra(Llava):
    """The released code takes `<im_start>` for the first image token; CLS, which it keeps, falls on it.

    The patches stay with their keys by that accident. `corrected` has neither; PAI's code has the same keys.
    """

    family = "shikra"
    written_templates = ("shikra", "shikra_pai")

    def process(self, image: Image.Image, **options: Any) -> Any:
        color = self.network.config.align_attention["pad"]
        return super().process(image if color is None else _pad(image, tuple(color)), **options)

    def edited_positions(
        self, image_positions: list[int], parameters: Any, reference: int | None
    ) -> list[int]:
        if not image_positions:
            return image_positions
        with_start = [image_positions[0] - 1, *image_positions]
        if reference is not None:
            return with_start if reference == len(with_start) else image_positions
        as_released = (
            getattr(parameters, "mode", None) == "released" or parameters.__struct_config__.tag == "pai"
        )
        return with_start if as_released else image_positions

    def opera_prompt(self, ids: Sequence[int], image_positions: Sequence[int]) -> OperaPrompt:
        """Released: the whole prompt counts, and what is rewarded runs from one marker to the other."""
        start, end = (self.tokenizer.convert_tokens_to_ids(marker) for marker in ("<im_start>", "<im_end>"))
        if start in ids and end in ids:
            return OperaPrompt(list(ids), list(range(ids.index(start), ids.index(end) + 1)))
        return OperaPrompt(list(ids), list(image_positions))  # a prompt of one's own without markers

    def _reference(self, weights: Tensor, mode: str) -> Reference:
        if mode != "released":  # CLS is no token of the decoder's
            return super()._reference(weights, mode)
        tokens = reduce_attention(weights, 0, mode)  # [1 + patches]
        rows, columns = self._grid
        grid = TokenGrid(first=1, rows=rows, columns=columns)
        return Reference(tokens, tokens[1:].reshape(self._grid), grid)


def _pad(image: Image.Image, color: tuple[int, ...]) -> Image.Image:
    """To a square, the image in its middle."""
    side = max(image.size)
    square = Image.new("RGB", (side, side), color)
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
