"""LLaVA-1.5 and its kin (`LlavaForConditionalGeneration`): CLIP-like tower -> MLP -> LLaMA-like decoder."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from transformers import PreTrainedModel

from ...errors import WorkerError
from ...protocol import TokenGrid, VisionTower
from ...vision.reference import Reference, find_layer, reduce_attention
from ..family import Model, Pixels, VisionFeatures
from ..weights import weights_of

# Towers of one fixed size, whose attention modules return their weights.
_TOWERS = ("clip_vision_model", "siglip_vision_model")


class Llava(Model):
    family = "llava"
    written_templates: ClassVar[tuple[str, ...]] = ("vicuna_v1", "vicuna_pai", "plain")

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        tower = network.config.vision_config.model_type
        if tower not in _TOWERS:
            raise WorkerError(
                "unknown-model",
                f'A vision tower of type "{tower}" is not supported; supported: {", ".join(_TOWERS)}.',
            )
        super().__init__(network, tokenizer, image_processor, source)

    def vision_tower(self, pixels: Pixels) -> VisionTower:
        config = self.network.config.vision_config
        return VisionTower(
            class_name=type(self._tower).__name__,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            image_size=config.image_size,
            grid=self._grid,
            has_cls=self._has_cls,
            feature_layer=self._feature_layer,
            reference_layer=self._reference_layer("released"),
        )

    def count_image_tokens(self, pixels: Pixels) -> int:
        rows, columns = self._grid
        return rows * columns + int(self._has_cls) - self._dropped

    def encode_image(self, pixels: Pixels, modes: frozenset[str]) -> VisionFeatures:
        values = pixels.values.to(self.device, self.dtype)
        layers = {mode: self._reference_layer(mode) for mode in sorted(modes)}
        attentions = [module for name, module in self._tower.named_modules() if name.endswith(".self_attn")]
        with weights_of({layer: attentions[layer] for layer in layers.values()}) as weights:
            features = self.network.model.get_image_features(values, return_dict=True).pooler_output[0]
        references = {mode: self._reference(weights[layer], mode) for mode, layer in layers.items()}
        return VisionFeatures(features, references, {})

    def _reference(self, weights: Tensor, mode: str) -> Reference:
        """[H, N, N] -> the reference on the image tokens; a CLS that the decoder sees keeps its value."""
        tokens = reduce_attention(weights, self._dropped, mode)
        rows, columns = self._grid
        first = len(tokens) - rows * columns
        grid = tokens[first:].reshape(rows, columns)
        return Reference(tokens, grid, TokenGrid(first=first, rows=rows, columns=columns))

    def _reference_layer(self, mode: str) -> int:
        return find_layer(mode, self.network.config.vision_config.num_hidden_layers, self._feature_layer)

    @property
    def has_cls_attention(self) -> bool:
        return self._has_cls

    @property
    def _grid(self) -> tuple[int, int]:
        config = self.network.config.vision_config
        return (config.image_size // config.patch_size,) * 2

    @property
    def _feature_layer(self) -> int:
        layer = self.network.config.vision_feature_layer
        return layer if isinstance(layer, int) else layer[-1]

    @property
    def _dropped(self) -> int:
        """Leading tokens that the decoder does not see: CLS, under the strategy "default"."""
        return 1 if self.network.config.vision_feature_select_strategy == "default" else 0

    @property
    def _tower(self) -> Any:
        return self.network.model.vision_tower

    @property
    def _has_cls(self) -> bool:
        return any(name.endswith("class_embedding") for name, _ in self._tower.named_parameters())
