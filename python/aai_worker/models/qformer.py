"""Models that see the image through a Q-Former: ViT -> learned queries, which attend to it -> decoder.

Image tokens are queries and have no place in the picture. The vision reference lives on the tower's tokens
and is carried to the queries by the last cross-attention of the Q-Former.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import PreTrainedModel

from ..errors import WorkerError
from ..protocol import VisionTower
from ..vision.reference import Reference
from .family import Model, Pixels, VisionFeatures
from .opera import OperaPrompt
from .weights import weights_of


class QFormerModel(Model):
    other_attention: ClassVar[dict[str, str]] = {"qformer_config": "eager"}

    def __init__(self, network: PreTrainedModel, tokenizer: Any, image_processor: Any, source: str) -> None:
        if network.config.get_text_config().is_encoder_decoder:
            raise WorkerError(
                "unknown-model",
                f'"{source}" writes with an encoder-decoder ({network.config.text_config.model_type}), whose '
                "attention to the image is cross-attention; take one with a decoder alone (OPT, Vicuna).",
            )
        if network.config.image_token_id is None:
            raise WorkerError(
                "bad-checkpoint",
                f'"{source}" names no image token (image_token_index in config.json); download its newest '
                "revision.",
            )
        super().__init__(network, tokenizer, image_processor, source)
        self.dtype = network.language_model.dtype  # the Q-Former stays in float32

    @property
    def decoder(self) -> Any:
        return self.network.language_model

    def vision_tower(self, pixels: Pixels) -> VisionTower:
        config = self.network.config.vision_config
        return VisionTower(
            class_name=type(self.network.vision_model).__name__,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            image_size=config.image_size,
            grid=self._grid,
            has_cls=True,
            feature_layer=-1,
            reference_layer=config.num_hidden_layers - 1,
        )

    def count_image_tokens(self, pixels: Pixels) -> int:
        return int(self.network.config.num_query_tokens)

    def encode_image(self, pixels: Pixels, modes: frozenset[str]) -> VisionFeatures:
        watched = (
            {"tower": self._last_self_attention(), "cross": self._last_cross_attention()} if modes else {}
        )
        with weights_of(watched) as weights:
            features = self.encode(pixels)
        references = {
            mode: self._reference(weights["tower"], weights["cross"], mode) for mode in sorted(modes)
        }
        return VisionFeatures(features, references, {})

    def opera_prompt(self, ids: Sequence[int], image_positions: Sequence[int]) -> OperaPrompt:
        """The prompt is given as embeddings, in whose place transformers 4.29 starts from one BOS token."""
        return OperaPrompt([self.text_config.bos_token_id], list(image_positions))

    def encode(self, pixels: Pixels) -> Tensor:
        """[queries, hidden]"""
        values = pixels.values.to(self.device, self.dtype)
        return self.network.get_image_features(values, return_dict=True).pooler_output[0]

    def _reference(self, tower: Tensor, cross: Tensor, mode: str) -> Reference:
        """`tower` [H, N, N], `cross` [H, Q, N], CLS first -> [Q].

        The released code multiplies the two and sums over the tower's tokens: as both are softmax rows, that
        is 1 for every query, whatever the image shows. Meant, and `corrected`, is what every query's tokens
        receive: cross-attention times the column sums of the tower's self-attention.
        """
        given, seen = tower.float().mean(dim=0), cross.float().mean(dim=0)
        received = given.sum(dim=0)  # [N]
        tokens = (seen @ given).sum(dim=-1) if mode == "released" else seen @ received
        return Reference(tokens.cpu(), received[1:].reshape(self._grid).cpu(), None)

    @property
    def _grid(self) -> tuple[int, int]:
        config = self.network.config.vision_config
        return (config.image_size // config.patch_size,) * 2

    def _last_self_attention(self) -> nn.Module:
        return self.network.vision_model.encoder.layers[-1].self_attn

    def _last_cross_attention(self) -> nn.Module:
        layers = [layer for layer in self.network.qformer.encoder.layer if layer.has_cross_attention]
        return layers[-1].crossattention.attention
