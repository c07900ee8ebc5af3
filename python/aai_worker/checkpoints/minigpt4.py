"""MiniGPT-4 7B: EVA ViT-g, BLIP-2's Q-Former, MiniGPT-4's projection, and Vicuna-7B v0 as the decoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    BlipImageProcessorPil,
    PreTrainedTokenizerFast,
)

from ..errors import WorkerError
from ..text.prompts import chat_template
from .files import Weights
from .llama import LLAMA_DROPS, generation_config, llama_config, llama_rules, llama_tokenizer
from .llava import grow_vocabulary
from .parts import Part, Recipe, Rule, config_marks, parts_of, place, require_keys

_BLOCKS = 39  # of the file's 40: BLIP-2 and MiniGPT-4 look at the output of the last but one
_HEAD_WIDTH = 88  # EVA ViT-g: 1408 / 16
_QFORMER_HEAD_WIDTH = 64  # as BERT

_BLOCK = r"blocks\.([0-9]|[12][0-9]|3[0-8])\."
_LAYER = r"vision_model.encoder.layers.\1."
_EVA: list[Rule] = [
    (r"cls_token", "vision_model.embeddings.class_embedding"),
    (r"pos_embed", "vision_model.embeddings.position_embedding"),
    (r"patch_embed\.proj\.(weight|bias)", r"vision_model.embeddings.patch_embedding.\1"),
    (_BLOCK + r"norm([12])\.(weight|bias)", _LAYER + r"layer_norm\2.\3"),
    (_BLOCK + r"attn\.qkv\.weight", _LAYER + "self_attn.qkv.weight"),
    (_BLOCK + r"attn\.([qv]_bias)", _LAYER + r"self_attn.\2"),  # made one below
    (_BLOCK + r"attn\.proj\.(weight|bias)", _LAYER + r"self_attn.projection.\2"),
    (_BLOCK + r"mlp\.(fc[12])\.(weight|bias)", _LAYER + r"mlp.\2.\3"),
]
_EVA_DROPS = [r"blocks\.39\..+", r"(fc_)?norm\..+", r"head\..+", r"lm_head\..+", r"mask_token"]

_BERT = r"Qformer\.bert\.encoder\.layer\.(\d+)\."
_QFORMER: list[Rule] = [
    (r"query_tokens", "query_tokens"),
    (r"ln_vision\.(weight|bias)", r"vision_model.post_layernorm.\1"),
    (r"Qformer\.bert\.embeddings\.LayerNorm\.(weight|bias)", r"qformer.layernorm.\1"),
    (_BERT + r"((?:cross)?attention)\.self\.(.+)", r"qformer.encoder.layer.\1.\2.attention.\3"),
    (
        _BERT + r"((?:cross)?attention\.output|(?:intermediate|output)_query)\.(.+)",
        r"qformer.encoder.layer.\1.\2.\3",
    ),
]
# BLIP-2's way into T5, and the branch of the Q-Former that reads text.
_QFORMER_DROPS = [
    r"(t5|opt)_proj\..+",
    r"Qformer\.cls\..+",
    r"Qformer\.bert\.embeddings\.(word_embeddings\.weight|position_embeddings\.weight|position_ids)",
    r"Qformer\.bert\.encoder\.layer\.\d+\.(intermediate|output)\..+",
]
_PROJECTION: list[Rule] = [(r"llama_proj\.(weight|bias)", r"language_projection.\1")]


def minigpt4_recipe(vision: Path, qformer: Path, projector: Path, llm: Path, drops: list[str]) -> Recipe:
    eva, bert = Weights(vision, "--vision"), Weights(qformer, "--qformer")
    projection, vicuna = Weights(projector, "--projector"), Weights(llm, "--llm")
    require_keys(eva, ["cls_token", "pos_embed", "patch_embed.proj.weight"], "EVA ViT-g")
    require_keys(bert, ["query_tokens", "ln_vision.weight"], "BLIP-2's Q-Former")
    require_keys(projection, ["llama_proj.weight", "llama_proj.bias"], "MiniGPT-4's projection")
    require_keys(vicuna, ["model.embed_tokens.weight", "lm_head.weight"], "Vicuna")

    parts: dict[str, Part] = {}
    dropped = {}
    for weights, rules, known in (
        (eva, _EVA, _EVA_DROPS),
        (bert, _QFORMER, _QFORMER_DROPS),
        (projection, _PROJECTION, []),
        (vicuna, llama_rules("language_model.model.", "language_model."), LLAMA_DROPS),
    ):
        placed = place(weights, rules, [*known, *drops])
        parts |= parts_of(weights, placed)
        dropped[weights.option] = placed.dropped
    _join_biases(parts)

    tokenizer = llama_tokenizer(llm, "<image>", [], chat_template("minigpt4"))
    embedding = "language_model.model.embed_tokens.weight"
    grow_vocabulary(parts, tokenizer, embedding, "language_model.lm_head.weight", llm)
    vision_config = _vision_config(eva, parts)
    config = Blip2Config(
        vision_config=vision_config,
        qformer_config=_qformer_config(bert, vision_config.hidden_size),
        text_config=llama_config(llm, vicuna, len(tokenizer)),
        num_query_tokens=bert.entries["query_tokens"].shape[1],
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        dtype=vicuna.entries["model.embed_tokens.weight"].dtype,
        **config_marks(family="minigpt4", stop_sequences=_stop_sequences(tokenizer)),
    )
    side = vision_config.image_size
    images = BlipImageProcessorPil(size={"height": side, "width": side})

    def save_settings(folder: Path) -> None:
        # No processor: transformers' own would put the image before the prompt, not into it.
        images.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        generation_config().save_pretrained(folder)

    return Recipe(
        Blip2ForConditionalGeneration, config, parts, [eva, bert, projection, vicuna], save_settings, dropped
    )


def _join_biases(parts: dict[str, Part]) -> None:
    """EVA has biases for queries and values, none for keys; the native layer has one for all three."""
    for name in [name for name in parts if name.endswith(".self_attn.q_bias")]:
        stem = name.removesuffix("q_bias")
        queries, values = parts.pop(name), parts.pop(stem + "v_bias", None)
        if values is None:
            raise WorkerError(
                "bad-checkpoint", f"The vision tower lacks {stem}v_bias, though it has a bias for queries."
            )
        shape = (3 * queries.shape[0],)
        parts[stem + "qkv.bias"] = Part(shape, queries.dtype, _joined(queries, values))


def _joined(queries: Part, values: Part) -> Callable[[], Tensor]:
    def make() -> Tensor:
        first, last = queries.make(), values.make()
        return torch.cat([first, torch.zeros_like(first), last])

    return make


def _vision_config(eva: Weights, parts: dict[str, Part]) -> Blip2VisionConfig:
    width, _, patch, _ = eva.entries["patch_embed.proj.weight"].shape
    patches = eva.entries["pos_embed"].shape[1] - 1
    mlp = parts.get("vision_model.encoder.layers.0.mlp.fc1.weight")
    return Blip2VisionConfig(
        hidden_size=width,
        intermediate_size=0 if mlp is None else mlp.shape[0],
        num_hidden_layers=_BLOCKS,
        num_attention_heads=max(1, width // _HEAD_WIDTH),
        image_size=round(patches**0.5) * patch,
        patch_size=patch,
    )


def _qformer_config(bert: Weights, encoder_width: int) -> Blip2QFormerConfig:
    width = bert.entries["query_tokens"].shape[2]
    stem = "Qformer.bert.encoder.layer."
    layers = {int(key.removeprefix(stem).split(".")[0]) for key in bert.entries if key.startswith(stem)}
    inner = bert.entries.get(f"{stem}0.intermediate_query.dense.weight")
    return Blip2QFormerConfig(
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=max(1, width // _QFORMER_HEAD_WIDTH),
        intermediate_size=0 if inner is None else inner.shape[0],
        encoder_hidden_size=encoder_width,
        cross_attention_frequency=2,
    )


def _stop_sequences(tokenizer: PreTrainedTokenizerFast) -> list[list[int]]:
    """`###` as MiniGPT-4's code knows it: with a blank before it (835), and without (2277, 29937)."""
    vocabulary: dict[str, Any] = tokenizer.get_vocab()
    sequences = [["▁###"], ["##", "#"]]
    return [
        [vocabulary[piece] for piece in pieces]
        for pieces in sequences
        if all(piece in vocabulary for piece in pieces)
    ]
