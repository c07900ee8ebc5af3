"""LLaVA-1.5 as its authors published it (`liuhaotian/llava-v1.5-7b`); the vision tower is OpenAI's."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast
from transformers.models.clip.configuration_clip import CLIPVisionConfig

from ..text.prompts import chat_template
from .clip import check_tower, clip_tower, crop_processor, pad_processor
from .files import Weights, bad_file, read_json
from .llama import LLAMA_DROPS, generation_config, llama_config, llama_rules, llama_tokenizer
from .parts import Part, Recipe, Rule, parts_of, place, require_keys

_PROJECTOR: list[Rule] = [
    (r"model\.mm_projector\.0\.(weight|bias)", r"model.multi_modal_projector.linear_1.\1"),
    (r"model\.mm_projector\.2\.(weight|bias)", r"model.multi_modal_projector.linear_2.\1"),
]
_PROJECTOR_KEYS = [f"model.mm_projector.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")]


def llava_recipe(
    checkpoint: Path, vision: Path, projector: Path | None, image_shape: str, drops: list[str]
) -> Recipe:
    """`projector` None: in the checkpoint's shards or mm_projector.bin. `image_shape`: "pad" or "crop"."""
    language = Weights(checkpoint, "--checkpoint")
    tower = Weights(vision, "--vision")
    published = read_json(checkpoint / "config.json")
    require_keys(language, ["model.embed_tokens.weight", "lm_head.weight"], "a LLaVA checkpoint")
    placed = place(language, [*llama_rules("model.language_model.", ""), *_PROJECTOR], [*LLAMA_DROPS, *drops])
    parts = parts_of(language, placed)
    sources = [language, tower]
    dropped = {"--checkpoint": placed.dropped}
    if not any(key in language.entries for key in _PROJECTOR_KEYS) or projector is not None:
        own = Weights(projector or checkpoint / "mm_projector.bin", "--projector")
        require_keys(own, _PROJECTOR_KEYS, "LLaVA-1.5's projector")
        placed = place(own, _PROJECTOR, drops)
        parts |= parts_of(own, placed)
        sources.append(own)
        dropped["--projector"] = placed.dropped

    vision_config, placed = clip_tower(tower, drops)
    check_tower(published.get("mm_vision_tower"), vision_config, vision)
    parts |= parts_of(tower, placed)
    dropped["--vision"] = placed.dropped

    tokenizer = llama_tokenizer(checkpoint, "<image>", [], chat_template("vicuna_v1"))
    grow_vocabulary(
        parts, tokenizer, "model.language_model.embed_tokens.weight", "lm_head.weight", checkpoint
    )
    config = LlavaConfig(
        vision_config=vision_config,
        text_config=llama_config(checkpoint, language, len(tokenizer)),
        projector_hidden_act="gelu",
        vision_feature_layer=published.get("mm_vision_select_layer", -2),
        vision_feature_select_strategy="default",
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(vision_config.image_size // vision_config.patch_size) ** 2,
        dtype=language.entries["model.embed_tokens.weight"].dtype,
    )
    images = pad_processor(vision_config) if image_shape == "pad" else crop_processor(vision_config)

    def save_settings(folder: Path) -> None:
        save_processor(images, tokenizer, vision_config, folder)
        generation_config().save_pretrained(folder)

    return Recipe(LlavaForConditionalGeneration, config, parts, sources, save_settings, dropped)


def save_processor(
    images: object, tokenizer: PreTrainedTokenizerFast, vision: CLIPVisionConfig, folder: Path
) -> None:
    LlavaProcessor(
        images,
        tokenizer,
        patch_size=vision.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokenizer.chat_template,
    ).save_pretrained(folder)


def grow_vocabulary(
    parts: dict[str, Part], tokenizer: PreTrainedTokenizerFast, embedding: str, head: str, folder: Path
) -> None:
    """A row for the image token, where the published vocabulary ends with the last SentencePiece token.

    The original code knows the image by an id outside the vocabulary. The new embedding is never looked at;
    the new logit must never win, so it is always that of <unk>, which no text of the training held.
    """
    rows = parts[embedding].shape[0]
    if rows == len(tokenizer):
        return
    if rows != len(tokenizer) - 1:
        raise bad_file(
            folder / "tokenizer.model",
            f"it has {len(tokenizer) - 1} pieces, but the checkpoint has {rows} embeddings; the two do not "
            "belong together",
        )
    for name, source in ((embedding, parts[embedding]), (head, parts[head])):
        shape = (rows + 1, *source.shape[1:])
        parts[name] = Part(shape, source.dtype, _grown(source, empty=name == embedding))


def _grown(source: Part, empty: bool):  # type: ignore[no-untyped-def]
    def make() -> Tensor:
        rows = source.make()
        new = torch.zeros_like(rows[:1]) if empty else rows[:1]
        return torch.cat([rows, new])

    return make
