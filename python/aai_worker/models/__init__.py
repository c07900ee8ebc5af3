"""Model families, one adapter file each, found by the `model_type` of a checkpoint's config.json."""

from .blip2 import Blip2
from .family import Embedded, Model, Pixels, VisionFeatures
from .gemma3 import Gemma3
from .idefics3 import Idefics3, SmolVlm
from .instructblip import InstructBlip
from .internvl import InternVl
from .llava import Llava
from .llava_next import LlavaNext
from .llava_onevision import LlavaOnevision
from .minigpt4 import MiniGpt4
from .mistral3 import Mistral3
from .mllama import Mllama
from .paligemma import PaliGemma
from .pixtral import Pixtral
from .qwen2_5_vl import Qwen25Vl
from .qwen2_vl import Qwen2Vl
from .qwen3_vl import Qwen3Vl
from .shikra import Shikra

_ADAPTERS: list[type[Model]] = [
    Llava,
    LlavaNext,
    LlavaOnevision,
    Qwen2Vl,
    Qwen25Vl,
    Qwen3Vl,
    InternVl,
    Gemma3,
    PaliGemma,
    Idefics3,
    SmolVlm,
    Mistral3,
    Pixtral,
    Mllama,
    Blip2,
    InstructBlip,
    MiniGpt4,
    Shikra,
]
FAMILIES = {adapter.family: adapter for adapter in _ADAPTERS}

__all__ = ["FAMILIES", "Embedded", "Model", "Pixels", "VisionFeatures"]
