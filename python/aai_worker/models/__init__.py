"""Model families, one adapter file each, found by the `model_type` of a checkpoint's config.json."""

from .family import Embedded, Look, Model, Pixels
from .llava import Llava
from .qwen2_5_vl import Qwen25Vl
from .qwen2_vl import Qwen2Vl
from .qwen3_vl import Qwen3Vl

FAMILIES: dict[str, type[Model]] = {
    family.family: family for family in (Llava, Qwen2Vl, Qwen25Vl, Qwen3Vl)
}

__all__ = ["FAMILIES", "Embedded", "Look", "Model", "Pixels"]
