"""A tiny checkpoint of every family, made on the fly, and what transformers itself makes of text and image.

Random weights, every real part; images of 20 to 60 pixels make a handful of image tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from tiny import create_tokenizer
from torch import Tensor, nn
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    InternVLConfig,
    InternVLForConditionalGeneration,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MllamaConfig,
    MllamaForConditionalGeneration,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.image_processing_utils import select_best_resolution
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.gemma3.processing_gemma3 import Gemma3Processor
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_next.processing_llava_next import LlavaNextProcessor
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)
from transformers.models.llava_onevision.processing_llava_onevision import LlavaOnevisionProcessor
from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil
from transformers.models.mllama.processing_mllama import (
    convert_sparse_cross_attention_mask_to_dense,
    get_cross_attention_token_mask,
)
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

HIDDEN = 32
LAYERS = 4
CONTEXT = 600


class Family(NamedTuple):
    create: Callable[[PreTrainedTokenizerFast], tuple[Any, Any]]  # -> network, image processor
    special: dict[str, str]  # special tokens beyond those of every tokenizer, by attribute
    chat: str  # what the chat template writes for an image
    expand: Callable[[dict[str, Any], Any], str]  # (processed image, config) -> the same for the tokenizer
    flatten: Callable[[Any], None]  # projectors that only take means over the patches of a token
    options: dict[str, Any] = {}  # noqa: RUF012  # of the image processor
    # (where image tokens are, processed image) -> what else the network takes with the ids
    types: Callable[[Tensor, dict[str, Any]], dict[str, Tensor]] = lambda is_image, image: {}
    after: int = 0  # token type of what is generated


def save(family: Family, folder: Path) -> Path:
    tokenizer = create_tokenizer(family.special)
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] | upper }}: {% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}" + family.chat + "{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    )
    torch.manual_seed(2)
    network, processor = family.create(tokenizer)
    with torch.no_grad():
        for name, weights in network.named_parameters():
            # At the initial 0.02 all attention is uniform and every answer one token for ever.
            if weights.dim() > 1:
                weights.mul_(8.0 if "q_proj" in name or "k_proj" in name or "qkv" in name else 5.0)
        # No special token is ever said: an image token in an answer means nothing, and none ends early.
        network.get_output_embeddings().weight[: 4 + len(family.special)] = 0
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def special_ids(tokenizer: PreTrainedTokenizerFast, **names: str) -> dict[str, int]:
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}


def text_settings(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "intermediate_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


# ---- Qwen --------------------------------------------------------------------------------------------------


class Means(nn.Module):
    """[..., N, features] -> [..., N / group, HIDDEN], zero padded, each the mean over `group` rows."""

    def __init__(self, group: int = 1) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        return _widen(x.unflatten(-2, (-1, self.group)).mean(dim=-2))


class ChannelMeans(nn.Module):
    """[..., features] -> [..., HIDDEN], zero padded: patches side by side in the features are averaged."""

    def __init__(self, patches: int, innermost: bool = False) -> None:
        super().__init__()
        self.shape = (-1, patches) if innermost else (patches, -1)

    def forward(self, x: Tensor) -> Tensor:
        return _widen(x.unflatten(-1, self.shape).mean(dim=-2 if self.shape[1] == -1 else -1))


def _widen(x: Tensor) -> Tensor:
    return nn.functional.pad(x, (0, HIDDEN - x.shape[-1]))


def _qwen(config: type, network: type, vision: dict[str, Any]) -> Callable[..., tuple[Any, Any]]:
    def create(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
        rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
        settings = config(
            text_config={**text_settings(tokenizer), "head_dim": 8, "rope_parameters": rope},
            vision_config={"depth": 3, "num_heads": 2, "in_channels": 3, "patch_size": 4, **vision},
            **special_ids(
                tokenizer,
                image_token_id="<|image_pad|>",
                video_token_id="<|video_pad|>",
                vision_start_token_id="<|vision_start|>",
                vision_end_token_id="<|vision_end|>",
            ),
        )
        processor = Qwen2VLImageProcessorPil(
            size={"shortest_edge": 64, "longest_edge": 64 * 64},
            patch_size=4,
            temporal_patch_size=2,
            merge_size=2,
        )
        return network(settings), processor

    return create


def _expand_qwen(image: dict[str, Any], config: Any) -> str:
    count = int(image["image_grid_thw"].prod()) // 4
    return "<|vision_start|>" + "<|image_pad|>" * count + "<|vision_end|>"


def _flatten_qwen(network: Any) -> None:
    network.model.visual.merger = Means(4)


_WINDOWS = {"hidden_size": 16, "intermediate_size": 32, "out_hidden_size": HIDDEN, "window_size": 16}

_QWEN: dict[str, Any] = {
    "special": {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
    },
    "chat": "<|vision_start|><|image_pad|><|vision_end|>",
    "expand": _expand_qwen,
    "flatten": _flatten_qwen,
    "types": lambda is_image, _: {"mm_token_type_ids": is_image.long()},
}

# ---- LLaVA -------------------------------------------------------------------------------------------------

PINPOINTS = [[8, 16], [16, 8], [16, 16], [24, 8], [8, 24], [24, 24], [32, 24]]


def _vision(model_type: str, **settings: Any) -> dict[str, Any]:
    return {
        "model_type": model_type,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": 8,
        "patch_size": 2,
        **settings,
    }


def _text(tokenizer: PreTrainedTokenizerFast, model_type: str, **settings: Any) -> dict[str, Any]:
    return {"model_type": model_type, **text_settings(tokenizer), **settings}


def _create_llava_next(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    config = LlavaNextConfig(
        vision_config=_vision("clip_vision_model"),
        text_config=_text(tokenizer, "llama"),
        image_token_index=tokenizer.image_token_id,
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-2,
    )
    processor = LlavaNextImageProcessorPil(
        size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}, image_grid_pinpoints=PINPOINTS
    )
    return LlavaNextForConditionalGeneration(config), processor


def _create_onevision(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    config = LlavaOnevisionConfig(
        vision_config=_vision("siglip_vision_model", vision_use_head=False),
        text_config=_text(tokenizer, "qwen2"),
        image_token_index=tokenizer.image_token_id,
        video_token_index=tokenizer.pad_token_id,
        image_grid_pinpoints=PINPOINTS,
        vision_aspect_ratio="anyres_max_3",
    )
    processor = LlavaOnevisionImageProcessorPil(
        size={"height": 8, "width": 8}, image_grid_pinpoints=PINPOINTS, image_mean=0.5, image_std=0.5
    )
    return LlavaOnevisionForConditionalGeneration(config), processor


def _expand_llava(image: dict[str, Any], config: Any) -> str:
    """As transformers' processors count: 16 tokens for all, those of unpadded tiles, a newline a row."""
    height, width = image["image_sizes"][0].tolist()
    best = select_best_resolution([height, width], PINPOINTS)
    processor = LlavaOnevisionProcessor if "onevision" in config.model_type else LlavaNextProcessor
    settings = SimpleNamespace(vision_aspect_ratio=getattr(config, "vision_aspect_ratio", ""))
    unpadded, newlines = processor._get_unpadded_features(
        settings, height, width, 4, 4, best[0] // 8, best[1] // 8
    )
    return "<image>" * (16 + unpadded + newlines)


def _flatten_projector(network: Any) -> None:
    network.model.multi_modal_projector = Means()


_LLAVA: dict[str, Any] = {
    "special": {"image_token": "<image>"},
    "chat": "<image>",
    "expand": _expand_llava,
    "flatten": _flatten_projector,
}

# ---- InternVL, Idefics3, SmolVLM ---------------------------------------------------------------------------


def _create_internvl(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    config = InternVLConfig(
        tie_word_embeddings=False,
        vision_config=_vision("internvl_vision", image_size=[8, 8], patch_size=[2, 2]),
        text_config=_text(tokenizer, "qwen2"),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    return InternVLForConditionalGeneration(config), GotOcr2ImageProcessorPil(size={"height": 8, "width": 8})


def _flatten_internvl(network: Any) -> None:
    network.model.multi_modal_projector = ChannelMeans(4)


def _create_idefics(config: type, network: type, processor: type) -> Callable[..., tuple[Any, Any]]:
    def create(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
        settings = config(
            vision_config={**_vision("idefics3_vision"), "model_type": f"{config.model_type}_vision"},
            text_config=_text(tokenizer, "llama"),
            image_token_id=tokenizer.image_token_id,
            scale_factor=2,
        )
        return network(settings), processor(size={"longest_edge": 16}, max_image_size={"longest_edge": 8})

    return create


def _expand_idefics(image: dict[str, Any], config: Any) -> str:
    names = SimpleNamespace(
        fake_image_token="<fake_token_around_image>",
        global_image_tag="<global-img>",
        image_token="<image>",
        image_seq_len=4,
    )
    return Idefics3Processor.replace_image_token(names, image, 0)


def _flatten_idefics(network: Any) -> None:
    network.model.connector.modality_projection = ChannelMeans(4)


_IDEFICS: dict[str, Any] = {
    "special": {
        "image_token": "<image>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        **{f"tile_{r}_{c}": f"<row_{r}_col_{c}>" for r in range(1, 4) for c in range(1, 4)},
    },
    "chat": "<image>",
    "expand": _expand_idefics,
    "flatten": _flatten_idefics,
    "options": {"return_row_col_info": True},
}

# ---- Gemma and Mistral -------------------------------------------------------------------------------------


def _create_gemma3(tokenizer: PreTrainedTokenizerFast, **crops: Any) -> tuple[Any, Any]:
    text = _text(
        tokenizer,
        "gemma3_text",
        head_dim=8,
        query_pre_attn_scalar=1,
        sliding_window=300,
        sliding_window_pattern=2,
    )
    config = Gemma3Config(
        tie_word_embeddings=False,
        vision_config=_vision("siglip_vision_model", image_size=16, vision_use_head=False),
        text_config=text,
        mm_tokens_per_image=16,
        **special_ids(
            tokenizer,
            image_token_index="<image_soft_token>",
            boi_token_index="<start_of_image>",
            eoi_token_index="<end_of_image>",
        ),
    )
    return Gemma3ForConditionalGeneration(config), Gemma3ImageProcessorPil(
        size={"height": 16, "width": 16}, **crops
    )


def _expand_crops(image: dict[str, Any], config: Any) -> str:
    whole = "\n\n<start_of_image>" + "<image_soft_token>" * 16 + "<end_of_image>\n\n"
    return Gemma3Processor.replace_image_token(SimpleNamespace(full_image_sequence=whole), image, 0)


def _flatten_gemma3(network: Any) -> None:
    projector = network.model.multi_modal_projector
    projector.mm_soft_emb_norm = nn.Identity()
    projector.mm_input_projection_weight = nn.Parameter(torch.eye(16, HIDDEN))


def _create_paligemma(
    tokenizer: PreTrainedTokenizerFast, decoder: str = "gemma", **settings: Any
) -> tuple[Any, Any]:
    config = PaliGemmaConfig(
        tie_word_embeddings=False,
        vision_config=_vision("siglip_vision_model", vision_use_head=False),
        text_config=_text(tokenizer, decoder, head_dim=8, **settings),
        image_token_index=tokenizer.image_token_id,
        projection_dim=HIDDEN,
        hidden_size=HIDDEN,
        vocab_size=len(tokenizer),
    )
    return PaliGemmaForConditionalGeneration(config), SiglipImageProcessorPil(size={"height": 8, "width": 8})


def _create_mistral3(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    config = Mistral3Config(
        tie_word_embeddings=False,
        vision_config=_vision("pixtral", image_size=64, patch_size=4, head_dim=8),
        text_config=_text(tokenizer, "mistral", head_dim=8, sliding_window=None),
        image_token_index=tokenizer.image_token_id,
    )
    processor = PixtralImageProcessorPil(size={"longest_edge": 40}, patch_size={"height": 4, "width": 4})
    return Mistral3ForConditionalGeneration(config), processor


def _create_pixtral(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    config = LlavaConfig(
        vision_config=_vision("pixtral", image_size=64, patch_size=8, head_dim=8),
        text_config=_text(tokenizer, "mistral", head_dim=8, sliding_window=None),
        image_token_index=tokenizer.image_token_id,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    processor = PixtralImageProcessorPil(size={"longest_edge": 40}, patch_size={"height": 8, "width": 8})
    return LlavaForConditionalGeneration(config), processor


def _expand_mistral3(image: dict[str, Any], config: Any) -> str:
    """As Pixtral's processor, which torchvision alone can import: every row ends with a token of its own."""
    height, width = image["image_sizes"][0].tolist()
    tokens = (["[IMG]"] * (width // 8) + ["[IMG_BREAK]"]) * (height // 8)
    return "".join([*tokens[:-1], "[IMG_END]"])


def _flatten_mistral3(network: Any) -> None:
    projector = network.model.multi_modal_projector
    projector.norm = nn.Identity()
    projector.patch_merger.merging_layer = ChannelMeans(4, innermost=True)
    projector.linear_1 = projector.act = projector.linear_2 = nn.Identity()


# ---- Llama 3.2 Vision --------------------------------------------------------------------------------------


def _create_mllama(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    text = {**text_settings(tokenizer), "cross_attention_layers": [1, 3]}
    config = MllamaConfig(
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 3,
            "num_global_layers": 2,
            "attention_heads": 2,
            "image_size": 8,
            "patch_size": 2,
            "intermediate_layers_indices": [0, 1],
            "vision_output_dim": 3 * 16,
        },
        text_config={**text, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
    )
    network = MllamaForConditionalGeneration(config)
    for name, weights in network.named_parameters():
        if "gate" in name and weights.numel() == 1:  # closed at first
            torch.nn.init.constant_(weights, 0.7)
    return network, MllamaImageProcessorPil(size={"height": 8, "width": 8}, max_image_tiles=4)


def _see_tiles(is_image: Tensor, image: dict[str, Any]) -> dict[str, Tensor]:
    """As Mllama's processor: which tokens see which tiles."""
    if not image:
        return {}
    locations = get_cross_attention_token_mask(is_image[0].long().tolist(), 1)
    mask = convert_sparse_cross_attention_mask_to_dense(
        [locations], image["num_tiles"], max_num_tiles=4, length=is_image.shape[1]
    )
    return {"cross_attention_mask": torch.from_numpy(mask)}


FAMILIES: dict[str, Family] = {
    "qwen2_vl": Family(
        create=_qwen(
            Qwen2VLConfig,
            Qwen2VLForConditionalGeneration,
            {"embed_dim": 16, "hidden_size": HIDDEN, "mlp_ratio": 2},
        ),
        **_QWEN,
    ),
    "qwen2_5_vl": Family(
        create=_qwen(
            Qwen2_5_VLConfig,
            Qwen2_5_VLForConditionalGeneration,
            {**_WINDOWS, "fullatt_block_indexes": [1, 2]},
        ),
        **_QWEN,
    ),
    "qwen3_vl": Family(
        create=_qwen(
            Qwen3VLConfig,
            Qwen3VLForConditionalGeneration,
            {
                "hidden_size": 16,
                "intermediate_size": 32,
                "out_hidden_size": HIDDEN,
                "num_position_embeddings": 64,
                "deepstack_visual_indexes": [0, 1],
            },
        ),
        **_QWEN,
    ),
    "llava_next": Family(create=_create_llava_next, **_LLAVA),
    "llava_onevision": Family(create=_create_onevision, **_LLAVA),
    "internvl": Family(
        create=_create_internvl,
        special={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
        },
        chat="<IMG_CONTEXT>",
        expand=lambda image, _: "<img>" + "<IMG_CONTEXT>" * 4 * int(image["num_patches"][0]) + "</img>",
        flatten=_flatten_internvl,
        options={"crop_to_patches": True},
    ),
    "gemma3": Family(
        create=_create_gemma3,
        special={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
        chat="<start_of_image>",
        expand=lambda *_: "\n\n<start_of_image>" + "<image_soft_token>" * 16 + "<end_of_image>\n\n",
        flatten=_flatten_gemma3,
        types=lambda is_image, _: {"token_type_ids": is_image.long()},
    ),
    "paligemma": Family(
        create=_create_paligemma,
        special={"image_token": "<image>"},
        chat="<image>",
        expand=lambda *_: "<image>" * 16 + "<s>",
        flatten=_flatten_projector,
        types=lambda is_image, _: {"token_type_ids": torch.zeros_like(is_image, dtype=torch.long)},
        after=1,
    ),
    "idefics3": Family(
        create=_create_idefics(Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessorPil),
        **_IDEFICS,
    ),
    "smolvlm": Family(
        create=_create_idefics(SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil),
        **_IDEFICS,
    ),
    "mistral3": Family(
        create=_create_mistral3,
        special={"image_token": "[IMG]", "image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]"},
        chat="[IMG]",
        options={"patch_size": 8},
        expand=_expand_mistral3,
        flatten=_flatten_mistral3,
    ),
    "pixtral": Family(
        create=_create_pixtral,
        special={"image_token": "[IMG]", "image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]"},
        chat="[IMG]",
        options={"patch_size": 8},
        expand=_expand_mistral3,
        flatten=_flatten_projector,
    ),
    "mllama": Family(
        create=_create_mllama,
        special={"image_token": "<|image|>"},
        chat="<|image|>",
        expand=lambda *_: "<|image|>",
        flatten=lambda _: None,
        types=_see_tiles,
    ),
}

# Whose image tokens stand in no prompt.
CROSS = {"mllama"}

# Under the family's name, what not every checkpoint of it has.
VARIANTS: dict[str, Family] = {
    "paligemma-capped": FAMILIES["paligemma"]._replace(
        create=partial(
            _create_paligemma,
            decoder="gemma2",
            query_pre_attn_scalar=1,
            attn_logit_softcapping=2.0,
            final_logit_softcapping=30.0,
            sliding_window=200,
        )
    ),
    "gemma3-crops": FAMILIES["gemma3"]._replace(
        create=partial(
            _create_gemma3,
            do_pan_and_scan=True,
            pan_and_scan_min_crop_size=4,
            pan_and_scan_max_num_crops=3,
            pan_and_scan_min_ratio_to_activate=1.2,
        ),
        expand=_expand_crops,
    ),
    "qwen2_5_vl-windowed": FAMILIES["qwen2_5_vl"]._replace(
        create=_qwen(
            Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, {**_WINDOWS, "fullatt_block_indexes": [1]}
        )
    ),
}
