"""Llama 3.2 Vision (`MllamaForConditionalGeneration`): some decoder layers attend to the image alone.

Image tokens have no place in the prompt: they are the keys of cross-attention layers, to whose softmax no
text belongs. Their order means nothing there, so they are kept as the picture has them: patches row by row
over all tiles, then each tile's CLS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel

from ...attention import SharedPrefix
from ...protocol import TokenGrid
from ...vision.reference import Reference
from ..family import Embedded, Pixels, VisionFeatures
from ..tower import TowerModel

_MULTIPLE = 8  # the tower pads every tile to a multiple of so many tokens


class Mllama(TowerModel):
    family = "mllama"
    dynamic = True

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        super().__init__(network, tokenizer, image_processor, source)
        self.cross_layers = frozenset(self.text_config.cross_attention_layers)

    # The image.

    @property
    def has_cls_attention(self) -> bool:
        return False  # every tile has a CLS of its own

    @property
    def tower(self) -> nn.Module:
        return self.network.model.vision_model

    @property
    def side(self) -> int:
        """A tile is a square of `side` x `side` patches."""
        return self.network.config.vision_config.image_size // self.patch_size

    def patch_grid(self, pixels: Pixels) -> tuple[int, int]:
        rows, columns = self._tiles(pixels.layout)
        return rows * self.side, columns * self.side

    def count_image_tokens(self, pixels: Pixels) -> int:
        rows, columns = self.patch_grid(pixels)
        return rows * columns

    def count_cross_keys(self, pixels: Pixels | None) -> int:
        if pixels is None:
            return 0
        rows, columns = self._tiles(pixels.layout)
        return rows * columns * (self.side**2 + 1)

    def image_positions(self, ids: list[int], pixels: Pixels | None) -> list[int]:
        return [] if pixels is None else list(range(self.count_image_tokens(pixels)))

    def patches(self, pixels: Pixels) -> Tensor:
        tokens = self.side**2 + 1
        return self._patches(pixels.layout, tokens + -tokens % _MULTIPLE)

    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """All tiles, also those that are padding, tile by tile: what the network's own prefill reads."""
        model, tokens = self.network.model, self.side**2 + 1
        seen = self.tower(values, layout["aspect_ratio_ids"], layout["aspect_ratio_mask"]).last_hidden_state
        rows, columns = self._tiles(layout)
        each_cls = torch.arange(rows * columns) * tokens
        extras = {
            "kept": torch.cat([self._patches(layout, tokens), each_cls]).to(self.device),
            "is_tile": layout["aspect_ratio_mask"][0],  # [1, tiles]
        }
        return model.multi_modal_projector(seen).flatten(0, 3), extras

    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        rows, columns = self.patch_grid(pixels)
        whole = TokenGrid(first=0, rows=rows, columns=columns)
        return Reference(received[0], received[0].reshape(rows, columns), whole)

    def whole_image(self, pixels: Pixels) -> Tensor:
        rows, columns = self._tiles(pixels.layout)
        size = pixels.values.shape[-1]
        tiles = pixels.values[0, 0, : rows * columns].reshape(rows, columns, 3, size, size)
        return tiles.permute(2, 0, 3, 1, 4).reshape(3, rows * size, columns * size)

    def _tiles(self, layout: dict[str, Tensor]) -> tuple[int, int]:
        """Rows and columns of tiles; the others of the processor's are padding."""
        ratios = self.network.config.vision_config.supported_aspect_ratios
        rows, columns = ratios[int(layout["aspect_ratio_ids"][0, 0]) - 1]  # 0 is no image
        return rows, columns

    def _patches(self, layout: dict[str, Tensor], tokens: int) -> Tensor:
        """Where the patches stand among tiles of so many tokens each, row by row over the whole image."""
        rows, columns = self._tiles(layout)
        tile = 1 + torch.arange(self.side**2).reshape(self.side, self.side)  # behind CLS
        places = torch.arange(rows * columns)[:, None, None] * tokens + tile
        return places.reshape(rows, columns, self.side, self.side).transpose(1, 2).flatten()

    def prefilled_order(self, prompt: Embedded) -> Tensor | None:
        return prompt.extras["kept"]

    def behind_image(self, ids: list[int], positions: list[int]) -> int:
        return ids.index(self.image_token_id) + 1

    # The prompt.

    def expand(self, pixels: Pixels) -> str:
        return self.marker

    def embed(self, ids: list[int], vision: VisionFeatures | None) -> Embedded:
        """Tokens from the image's marker on see all its tiles."""
        tokens = torch.tensor(ids, device=self.device)
        prompt = Embedded(
            self.network.get_input_embeddings()(tokens), torch.arange(len(ids), device=self.device), {}
        )
        if vision is None:
            return prompt
        after = (tokens == self.image_token_id).cumsum(dim=0)[:, None, None]
        extras = {"sees": after * vision.extras["is_tile"], "kept": vision.extras["kept"]}
        return prompt._replace(extras=extras, cross_states=vision.features)

    # The decoder.

    def prefill_arguments(self, prompts: Sequence[Embedded], length: int) -> dict[str, Any]:
        states = [prompt.cross_states for prompt in prompts if prompt.cross_states is not None]
        if not states:
            return {}
        return {
            "cross_attention_states": torch.stack(states),
            "cross_attention_mask": torch.stack([prompt.extras["sees"][:length] for prompt in prompts]),
        }

    def take(self, cache: Cache, row: int, prompt: Embedded) -> tuple[list[Tensor], list[Tensor]]:
        layers = range(self.layers)
        return (
            [self._take(layer, cache, "keys", row, prompt) for layer in layers],
            [self._take(layer, cache, "values", row, prompt) for layer in layers],
        )

    def _take(self, layer: int, cache: Cache, what: str, row: int, prompt: Embedded) -> Tensor:
        if layer not in self.cross_layers:
            return getattr(cache.layers[layer], what)[row, :, : len(prompt.embedded) - 1]
        if prompt.cross_states is None:  # the prefill left this layer out
            weights = self.network.model.language_model.layers[layer].cross_attn.k_proj.weight
            heads = self.text_config.num_key_value_heads
            return weights.new_empty(heads, 0, len(weights) // heads)
        stored = getattr(cache.layers[layer], what)[row]
        return stored[:, prompt.extras["kept"].to(stored.device)]

    def step_arguments(self, embedded: Tensor, prefix: SharedPrefix) -> dict[str, Any]:
        # The image's keys are in the prefix; without any states the network would skip its cross layers.
        arguments: dict[str, Any] = {
            "cross_attention_states": embedded.new_empty(len(embedded), 0, embedded.shape[-1])
        }
        if prefix.sees_image is not None:  # cross layers change nothing in a row without an image
            arguments["cross_attention_mask"] = prefix.sees_image[:, None, None, None].long()
        return arguments
