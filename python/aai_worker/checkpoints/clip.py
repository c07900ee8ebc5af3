"""The vision towers of LLaVA and Shikra: OpenAI's CLIP as on the hub, of which the picture half is taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from transformers import CLIPImageProcessorPil, CLIPVisionConfig
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from ..errors import WorkerError
from .files import Weights, bad_file, read_json
from .parts import Placed, Rule, place

_RULES: list[Rule] = [
    (
        r"vision_model\.(embeddings\.(?:class_embedding|(?:patch|position)_embedding\.weight)|"
        r"pre_layrnorm\..+|encoder\.layers\..+|post_layernorm\..+)",
        r"model.vision_tower.\1",
    )
]
_DROPS = [
    r"text_model\..+",
    r"logit_scale",
    r"(text|visual)_projection\.weight",
    r"vision_model\.embeddings\.position_ids",
]


def clip_tower(weights: Weights, drops: list[str]) -> tuple[CLIPVisionConfig, Placed]:
    folder = weights.path
    published = read_json(folder / "config.json")
    if "vision_config" not in published and published.get("model_type") != "clip_vision_model":
        raise bad_file(folder / "config.json", "it is no CLIP configuration")
    config = CLIPVisionConfig.from_pretrained(folder, local_files_only=True)
    return config, place(weights, _RULES, [*_DROPS, *drops])


def check_tower(named: str | None, config: CLIPVisionConfig, folder: Path) -> None:
    """`named`: the tower that the checkpoint's config asks for, such as openai/clip-vit-large-patch14-336."""
    if named is None or (match := re.search(r"patch(\d+)(?:-(\d+))?$", named)) is None:
        return
    wanted = (int(match[1]), int(match[2] or 224))
    if wanted != (config.patch_size, config.image_size):
        raise WorkerError(
            "bad-checkpoint",
            f'The checkpoint was trained with "{named}", but "{folder}" (--vision) is a tower for '
            f"{config.image_size} px in patches of {config.patch_size}; download {named}.",
        )


def crop_processor(config: CLIPVisionConfig) -> Any:
    """Shortest side to the tower's size, then the centre."""
    return CLIPImageProcessorPil(**_sizes(config))


def pad_processor(config: CLIPVisionConfig) -> Any:
    """Padded to a square with the mean colour first."""
    return LlavaImageProcessorPil(do_pad=True, **_sizes(config))


def _sizes(config: CLIPVisionConfig) -> dict[str, Any]:
    side = config.image_size
    return {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
