"""Model families, one adapter file each, found by the `model_type` of a checkpoint's config.json."""

from .families.blip2 import Blip2
from .families.gemma3 import Gemma3
from .families.idefics3 import Idefics3, SmolVlm
from .families.instructblip import InstructBlip
from .families.internvl import InternVl
from .families.llava import Llava
from .families.llava_next import LlavaNext
from .families.llava_onevision import LlavaOnevision
from .families.minigpt4 import MiniGpt4
from .families.mistral3 import Mistral3
from .families.mllama import Mllama
from .families.paligemma import PaliGemma
from .families.pixtral import Pixtral
from .families.qwen2_5_vl import Qwen25Vl
from .families.qwen2_vl import Qwen2Vl
from .families.qwen3_vl import Qwen3Vl
from .families.shikra import Shikra
from .family import Embedded, Model, Pixels, VisionFeatures

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
