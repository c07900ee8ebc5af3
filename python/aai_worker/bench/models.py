"""Models to measure on: a checkpoint's folder, or LLaVA-1.5-7B's shape with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    CLIPVisionConfig,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from ..attention import ATTENTION
from ..loading import load_model, load_tokenizer
from ..models import FAMILIES, Model


def open_checkpoint(folder: str, dtype: str, device: torch.device) -> Model:
    return load_model(folder, None, dtype, True, device, lambda: None)


def create_llava(layers: int, tokenizer_of: str, dtype: torch.dtype, device: torch.device) -> Model:
    """LLaVA-1.5-7B but for its number of decoder layers and a small tower; 576 image tokens, no stop token.

    `tokenizer_of`: the checkpoint that lends its tokenizer and image processor.
    """
    tokenizer = load_tokenizer(Path(tokenizer_of))
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=3,
            num_attention_heads=4,
            image_size=336,
            patch_size=14,
        ),
        text_config=LlamaConfig(
            vocab_size=32064,
            hidden_size=4096,
            intermediate_size=11008,
            num_hidden_layers=layers,
            num_attention_heads=32,
            num_key_value_heads=32,
            max_position_embeddings=4096,
            rms_norm_eps=1e-5,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=576,
    )
    config.text_config._attn_implementation, config.vision_config._attn_implementation = ATTENTION, "eager"
    torch.manual_seed(0)
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            network = LlavaForConditionalGeneration(config).eval()
    finally:
        torch.set_default_dtype(default)
    network.generation_config = GenerationConfig(eos_token_id=[])
    processor = CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336})
    return FAMILIES["llava"](network, tokenizer, processor, f"LLaVA-1.5-7B's shape, {layers} layers")
