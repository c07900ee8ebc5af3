"""A tiny checkpoint of every family, made on the fly, and what transformers itself makes of text and image.

Random weights, every real part; images of 20 to 60 pixels make a handful of image tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tiny import create_tokenizer
from torch import Tensor, nn
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

HIDDEN = 32
LAYERS = 3
CONTEXT = 600


class Family(NamedTuple):
    create: Callable[[PreTrainedTokenizerFast], tuple[Any, Any]]  # -> network, image processor
    special: dict[str, str]  # special tokens beyond those of every tokenizer, by attribute
    chat: str  # what the chat template writes for an image
    expand: Callable[[dict[str, Any], Any], str]  # (processed image, config) -> the same for the tokenizer
    flatten: Callable[[Any], None]  # projectors that only take means over the patches of a token
    suffix: int = 0  # token type of what is generated


def save(family: Family, folder: Path) -> Path:
    tokenizer = create_tokenizer(family.special)
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] | upper }}: {% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}" + family.chat + "{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    )
    torch.manual_seed(0)
    network, processor = family.create(tokenizer)
    with torch.no_grad():
        for name, weights in network.named_parameters():
            # At the initial 0.02 all attention is uniform and every answer one token for ever.
            if weights.dim() > 1:
                weights.mul_(8.0 if "q_proj" in name or "k_proj" in name or "qkv" in name else 5.0)
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


# ---- Qwen -------------------------------------------------------------------------------------------------------


class Means(nn.Module):
    """[N, features] -> [N / group, HIDDEN], zero padded, each the mean over a group of `group` rows."""

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        means = x.reshape(-1, self.group, x.shape[-1]).mean(dim=1)
        return nn.functional.pad(means, (0, HIDDEN - means.shape[-1]))


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
            size={"shortest_edge": 64, "longest_edge": 64 * 64}, patch_size=4, temporal_patch_size=2, merge_size=2
        )
        return network(settings), processor

    return create


def _expand_qwen(image: dict[str, Any], config: Any) -> str:
    count = int(image["image_grid_thw"].prod()) // 4
    return "<|vision_start|>" + "<|image_pad|>" * count + "<|vision_end|>"


def _flatten_qwen(network: Any) -> None:
    network.model.visual.merger = Means(4)


_QWEN = {
    "special": {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
    },
    "chat": "<|vision_start|><|image_pad|><|vision_end|>",
    "expand": _expand_qwen,
    "flatten": _flatten_qwen,
}

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
            {
                "hidden_size": 16,
                "intermediate_size": 32,
                "out_hidden_size": HIDDEN,
                "window_size": 16,
                "fullatt_block_indexes": [1, 2],
            },
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
}
