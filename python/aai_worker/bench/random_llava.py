"""A model of LLaVA-1.5-7B's shape with random weights, built in memory; only its vision tower is tiny."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, CLIPVisionConfig, LlamaConfig, LlavaConfig

from ..attention import ATTENTION
from ..loading.load import load_image_processor, load_tokenizer
from ..models import FAMILIES, Model


def create_llava(layers: int, lender: Path, device: torch.device, dtype: torch.dtype) -> Model:
    """`layers` of the decoder's 32. `lender`: the checkpoint whose tokenizer and image processor it takes."""
    tokenizer, image_processor = load_tokenizer(lender), load_image_processor(lender)
    config = _create_config(tokenizer, layers)
    side = config.vision_config.image_size
    image_processor.size = {"shortest_edge": side}
    image_processor.crop_size = {"height": side, "width": side}
    torch.manual_seed(0)
    with torch.device(device):
        network = AutoModelForImageTextToText.from_config(
            config, dtype=dtype, attn_implementation={"text_config": ATTENTION, "vision_config": "eager"}
        )
    return FAMILIES["llava"](network.eval(), tokenizer, image_processor, source="random weights")


def _create_config(tokenizer: Any, layers: int) -> LlavaConfig:
    text = LlamaConfig(
        vocab_size=32064,
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=layers,
        num_attention_heads=32,
        num_key_value_heads=32,
        max_position_embeddings=4096,
        rms_norm_eps=1e-5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    vision = CLIPVisionConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=336,
        patch_size=14,  # 24 x 24 image tokens
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=576,
    )
