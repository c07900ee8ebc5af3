"""Shikra 7B: the published difference to LLaMA-1, added up; one linear projection; the tower is OpenAI's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlavaConfig, LlavaForConditionalGeneration

from ..errors import WorkerError
from ..text.prompts import chat_template
from .clip import check_tower, clip_tower, crop_processor
from .files import Weights, bad_file, read_json
from .llama import LLAMA_DROPS, generation_config, llama_config, llama_rules, llama_tokenizer
from .llava import save_processor
from .parts import Part, Recipe, config_marks, parts_of, place, require_keys

_PROJECTOR_KEYS = ["model.mm_projector.weight", "model.mm_projector.bias"]
_RULES = [
    *llama_rules("model.language_model.", ""),
    (r"model\.mm_projector\.(weight|bias)", r"model.multi_modal_projector.linear_1.\1"),
]
# The difference has rows for the image's three tokens that LLaMA lacks.
_LONGER = {"model.embed_tokens.weight", "lm_head.weight"}


def shikra_recipe(delta: Path, base: Path, vision: Path, image_shape: str, drops: list[str]) -> Recipe:
    """`image_shape`: "pad" (to a square, with white, as Shikra's own code) or "crop" (as PAI's and AAI's)."""
    difference, llama, tower = Weights(delta, "--delta"), Weights(base, "--base"), Weights(vision, "--vision")
    published = read_json(delta / "config.json")
    require_keys(difference, _PROJECTOR_KEYS, "Shikra's difference to LLaMA")
    require_keys(llama, sorted(_LONGER), "a LLaMA checkpoint in Hugging Face format")
    placed = place(difference, _RULES, [*LLAMA_DROPS, *drops])
    below = place(llama, _RULES, [*LLAMA_DROPS, *drops])
    parts = parts_of(difference, placed)
    for native, key in placed.names.items():
        if key not in _PROJECTOR_KEYS:
            parts[native] = _sum(difference, llama, key)
    unused = [key for native, key in below.names.items() if native not in placed.names]
    if unused:
        raise WorkerError(
            "bad-checkpoint",
            f'"{base}" (--base) has tensors that the difference knows nothing of: {", ".join(unused[:8])}.',
        )

    vision_config, from_tower = clip_tower(tower, drops)
    check_tower(published.get("mm_vision_tower"), vision_config, vision)
    parts |= parts_of(tower, from_tower)

    # transformers' projector has two layers; the second changes nothing, to the last bit.
    width, dtype = difference.entries["model.mm_projector.bias"].shape[0], parts_dtype(difference)
    second = "model.multi_modal_projector.linear_2."
    parts[second + "weight"] = Part((width, width), dtype, partial(torch.eye, width, dtype=dtype))
    parts[second + "bias"] = Part((width,), dtype, partial(torch.zeros, width, dtype=dtype))

    folder = delta if (delta / "tokenizer.model").is_file() else base
    template = chat_template("shikra", image_token="<im_patch>")
    tokenizer = llama_tokenizer(folder, "<im_patch>", ["<im_start>", "<im_end>"], template)
    rows = difference.entries["model.embed_tokens.weight"].shape[0]
    if rows != len(tokenizer):
        raise bad_file(
            folder / "tokenizer.model",
            f"with Shikra's three tokens it has {len(tokenizer)}, but the checkpoint has {rows} embeddings; "
            "the two do not belong together",
        )
    config = LlavaConfig(
        vision_config=vision_config,
        text_config=llama_config(delta, difference, rows),
        projector_hidden_act="linear",
        vision_feature_layer=published.get("mm_vision_select_layer", -2),
        vision_feature_select_strategy="default",
        image_token_index=tokenizer.convert_tokens_to_ids("<im_patch>"),
        image_seq_length=(vision_config.image_size // vision_config.patch_size) ** 2,
        dtype=dtype,
        **config_marks(family="shikra", pad=[255, 255, 255] if image_shape == "pad" else None),
    )

    def save_settings(out: Path) -> None:
        save_processor(crop_processor(vision_config), tokenizer, vision_config, out)
        generation_config().save_pretrained(out)

    dropped = {"--delta": placed.dropped, "--base": below.dropped, "--vision": from_tower.dropped}
    sources = [difference, llama, tower]
    return Recipe(LlavaForConditionalGeneration, config, parts, sources, save_settings, dropped)


def parts_dtype(weights: Weights) -> torch.dtype:
    return weights.entries["model.embed_tokens.weight"].dtype


def _sum(difference: Weights, base: Weights, key: str) -> Part:
    shape, dtype = difference.entries[key]
    if key not in base.entries:
        raise WorkerError("bad-checkpoint", f'"{base.path}" (--base) lacks {key}; is it LLaMA 7B?')
    below = base.entries[key].shape
    longer = key in _LONGER and below[0] <= shape[0] and below[1:] == shape[1:]
    if below != shape and not longer:
        raise WorkerError(
            "bad-checkpoint",
            f'"{base.path}" (--base) has {key} of shape {list(below)}, but the difference has {list(shape)}; '
            "is it LLaMA 7B?",
        )
    return Part(shape, dtype, _adder(difference, base, key))


def _adder(difference: Weights, base: Weights, key: str) -> Callable[[], Tensor]:
    def add() -> Tensor:
        total, below = difference.read(key).clone(), base.read(key)
        total[: len(below)] += below.to(total.dtype)
        return total

    return add
