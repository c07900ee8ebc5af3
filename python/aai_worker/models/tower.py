"""Adapters whose vision tower runs under `aai_vision`: what one pass of it takes, and what comes out."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..protocol import VisionTower
from ..vision.attention import ATTENTION, watch_attention
from ..vision.reference import Reference, find_layer
from .family import Model, Pixels, VisionFeatures

_ATTENTION_MODULE = re.compile(r".*\.\d+\.(self_attn|attn|attention)")


class TowerModel(Model):
    vision_attention: ClassVar[str] = ATTENTION

    @property
    def tower(self) -> nn.Module:
        return self.network.model.vision_tower

    @property
    def has_cls(self) -> bool:
        """Whether the tower has a leading CLS token, which the decoder does not see."""
        names = (name for name, _ in self.tower.named_parameters())
        return any(name.endswith(("class_embedding", "cls_token")) for name in names)

    @property
    def has_cls_attention(self) -> bool:
        return self.has_cls

    @property
    def feature_layer(self) -> int:
        """The layer whose output the decoder sees, -1 is the last, 0 the embedding."""
        layer = getattr(self.network.config, "vision_feature_layer", -1)
        return layer if isinstance(layer, int) else layer[-1]

    @abstractmethod
    def encode(self, values: Tensor, layout: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The features [image tokens, hidden] and the further tensors of `VisionFeatures.extras`."""

    @abstractmethod
    def map_reference(self, received: Tensor, pixels: Pixels) -> Reference:
        """The reference in the decoder's order, from `received` [sequences, patches] in the tower's order."""

    @abstractmethod
    def patch_grid(self, pixels: Pixels) -> tuple[int, int]:
        """The rows and columns of patches that the tower sees at once: of the whole image, not of tiles."""

    def encode_image(self, pixels: Pixels, modes: frozenset[str]) -> VisionFeatures:
        layout = {name: value.to(self.device) for name, value in pixels.layout.items()}
        attentions = self._attentions()
        watched = {mode: attentions[self.reference_layer(mode)] for mode in sorted(modes)}
        with watch_attention(watched, self.patches(pixels)) as received:
            features, extras = self.encode(pixels.values.to(self.device, self.dtype), layout)
        references = {mode: self.map_reference(_join(parts), pixels) for mode, parts in received.items()}
        return VisionFeatures(features, references, extras)

    def patches(self, pixels: Pixels) -> slice | Tensor:
        """The tower's tokens that are patches."""
        return slice(int(self.has_cls), None)

    def reference_layer(self, mode: str) -> int:
        return find_layer(mode, len(self._attentions()), self.feature_layer)

    def vision_tower(self, pixels: Pixels) -> VisionTower:
        config = self.network.config.vision_config
        grid = self.patch_grid(pixels)
        return VisionTower(
            class_name=type(self.tower).__name__,
            layers=len(self._attentions()),
            heads=config.num_attention_heads,
            image_size=self.longer_side(pixels),
            grid=grid,
            has_cls=self.has_cls,
            feature_layer=self.feature_layer,
            reference_layer=self.reference_layer("released"),
        )

    def longer_side(self, pixels: Pixels) -> int:
        """The longer side of what the tower sees at once, in pixels."""
        return max(self.patch_grid(pixels)) * self.patch_size

    @property
    def patch_size(self) -> int:
        size = self.network.config.vision_config.patch_size
        return size if isinstance(size, int) else size[0]

    def _attentions(self) -> list[nn.Module]:
        return [module for name, module in self.tower.named_modules() if _ATTENTION_MODULE.fullmatch(name)]


class FixedTower(TowerModel):
    """A tower of one size: an image, or a tile of it, is a square of `side` x `side` patches."""

    @property
    def side(self) -> int:
        return self.image_size // self.patch_size

    @property
    def image_size(self) -> int:
        size = self.network.config.vision_config.image_size
        return size if isinstance(size, int) else size[0]

    def longer_side(self, pixels: Pixels) -> int:
        return self.image_size  # patches may leave out a rest of it

    def patch_grid(self, pixels: Pixels) -> tuple[int, int]:
        return self.side, self.side


def pool(grid: Tensor, side: int) -> Tensor:
    """Mean over squares of `side` x `side`: [..., rows, columns] -> [..., rows / side, columns / side]."""
    return torch.nn.functional.avg_pool2d(grid.unsqueeze(-3), side).squeeze(-3)


def _join(parts: Sequence[Any]) -> Tensor:
    """Segments of one sequence come one after the other, [1, n] each; tiles come as one batch."""
    return torch.cat(list(parts), dim=1).cpu()
