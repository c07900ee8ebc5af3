"""Model families, one adapter file each, found by the `model_type` of a checkpoint's config.json."""

from .blip2 import Blip2
from .family import Embedded, Look, Model, Pixels
from .llava import Llava
from .minigpt4 import MiniGpt4
from .qwen2_5_vl import Qwen25Vl
from .qwen2_vl import Qwen2Vl
from .qwen3_vl import Qwen3Vl
from .shikra import Shikra

FAMILIES: dict[str, type[Model]] = {
    family.family: family for family in (Llava, Qwen2Vl, Qwen25Vl, Qwen3Vl, Blip2, MiniGpt4, Shikra)
}

__all__ = ["FAMILIES", "Embedded", "Look", "Model", "Pixels"]
