"""The published files at full size, without memory behind them, against transformers' own classes.

`published` has the names and shapes that the files hold. Where each tensor goes is written down here a second
time, apart from the converter's rules, and so are the sizes of the native networks. The conversion has to
agree with both: every native tensor gets its shape, every published one is used once or has no place to go.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import published
import pytest
import torch
from transformers import AutoModelForImageTextToText, Blip2Config, LlavaConfig, PreTrainedConfig

from aai_worker.checkpoints.files import Weights
from aai_worker.checkpoints.llava import llava_recipe
from aai_worker.checkpoints.minigpt4 import minigpt4_recipe
from aai_worker.checkpoints.parts import Recipe, check_whole
from aai_worker.checkpoints.shikra import shikra_recipe

SIZES = {
    "PIECES": 32000,
    **dict(HIDDEN=4096, LAYERS=32, HEADS=32, MLP=11008),
    **dict(CLIP_HIDDEN=1024, CLIP_LAYERS=24, CLIP_HEADS=16, CLIP_MLP=4096, CLIP_PATCH=14),
    "CLIP_TEXT_LAYERS": 12,
    **dict(EVA_HIDDEN=1408, EVA_MLP=6144, EVA_SIDE=224),
    **dict(QFORMER_HIDDEN=768, QFORMER_LAYERS=12, QFORMER_MLP=3072, QUERIES=32),
}
LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
CLIP = {
    "model_type": "clip_vision_model",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "patch_size": 14,
}
EVA = {
    "hidden_size": 1408,
    "intermediate_size": 6144,
    "num_hidden_layers": 39,
    "num_attention_heads": 16,
    "image_size": 224,
    "patch_size": 14,
}
QFORMER = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "cross_attention_frequency": 2,
    "encoder_hidden_size": 1408,
}

# What is replaced in a published name, from top to bottom.
LLAVA_NAMES = [
    ("model.embed_tokens.", "model.language_model.embed_tokens."),
    ("model.layers.", "model.language_model.layers."),
    ("model.norm.", "model.language_model.norm."),
    ("model.mm_projector.0.", "model.multi_modal_projector.linear_1."),
    ("model.mm_projector.2.", "model.multi_modal_projector.linear_2."),
    ("vision_model.", "model.vision_tower."),
]
SHIKRA_NAMES = [("model.mm_projector.", "model.multi_modal_projector.linear_1."), *LLAVA_NAMES]
MINIGPT4_NAMES = [
    ("model.embed_tokens.", "language_model.model.embed_tokens."),
    ("model.layers.", "language_model.model.layers."),
    ("model.norm.", "language_model.model.norm."),
    ("lm_head.", "language_model.lm_head."),
    ("cls_token", "vision_model.embeddings.class_embedding"),
    ("pos_embed", "vision_model.embeddings.position_embedding"),
    ("patch_embed.proj.", "vision_model.embeddings.patch_embedding."),
    ("blocks.", "vision_model.encoder.layers."),
    (".norm1.", ".layer_norm1."),
    (".norm2.", ".layer_norm2."),
    (".attn.qkv.", ".self_attn.qkv."),
    (".attn.q_bias", ".self_attn.qkv.bias"),
    (".attn.v_bias", ".self_attn.qkv.bias"),
    (".attn.proj.", ".self_attn.projection."),
    ("ln_vision.", "vision_model.post_layernorm."),
    ("Qformer.bert.embeddings.LayerNorm.", "qformer.layernorm."),
    ("Qformer.bert.encoder.", "qformer.encoder."),
    ("attention.self.", "attention.attention."),
    ("llama_proj.", "language_projection."),
]


@pytest.fixture(autouse=True)
def full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SIZES.items():
        monkeypatch.setattr(published, name, value)
    monkeypatch.setattr(
        published, "noise", lambda seed, *shape, scale=1: torch.empty(shape, dtype=torch.half, device="meta")
    )


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(option, published name) of whatever is read from now on."""
    seen: list[tuple[str, str]] = []
    read = Weights.read

    def noted(weights: Weights, key: str) -> torch.Tensor:
        seen.append((weights.option, key))
        return read(weights, key)

    monkeypatch.setattr(Weights, "read", noted)
    return seen


@pytest.mark.parametrize("projector_in_shards", [True, False], ids=["as-on-the-hub", "projector-apart"])
def test_llava(
    projector_in_shards: bool, reads: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "CONTEXT", 4096)
    monkeypatch.setattr(published, "CLIP_SIDE", 336)
    checkpoint, vision = published.llava(tmp_path, projector_in_shards)
    facts = {
        "text_config": {**LLAMA, "vocab_size": 32001, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096},
        "vision_config": {**CLIP, "image_size": 336},
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
        "projector_hidden_act": "gelu",
        "image_token_index": 32000,
        "image_seq_length": 576,
    }
    recipe = llava_recipe(checkpoint, vision, None, "pad", [])
    made_of = origins(recipe, reads, LlavaConfig(**facts), LLAVA_NAMES)
    assert pick(recipe.config.to_dict(), facts) == facts
    assert len(made_of) == 291 + 4 + 391, "decoder, projector, tower"
    assert {len(sources) for sources in made_of.values()} == {1}
    shards = 13.52 if projector_in_shards else 13.48
    assert gigabytes(recipe.sources[0]) == pytest.approx(shards, abs=0.005), "9.98 + 3.54 on the hub"
    assert gigabytes(Weights(checkpoint / "mm_projector.bin", "")) == pytest.approx(0.042, abs=0.0005)


def test_shikra(reads: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "CONTEXT", 2048)
    monkeypatch.setattr(published, "CLIP_SIDE", 224)
    facts = {
        "text_config": {**LLAMA, "vocab_size": 32003, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048},
        "vision_config": {**CLIP, "image_size": 224},
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
        "projector_hidden_act": "linear",
        "image_token_index": 32000,
        "image_seq_length": 256,
    }
    recipe = shikra_recipe(*published.shikra(tmp_path), "pad", [])
    made_of = origins(recipe, reads, LlavaConfig(**facts), SHIKRA_NAMES)
    assert pick(recipe.config.to_dict(), facts) == facts
    assert len(made_of) == 291 + 4 + 391, "decoder, projector, tower"
    for name, sources in made_of.items():
        options = [option for option, _ in sources]
        if name.startswith(("model.language_model.", "lm_head.")):
            assert options == ["--delta", "--base"]
        elif name.startswith("model.multi_modal_projector.linear_2."):
            assert not options, "made up: the projector has one layer only"
        else:
            assert options == ["--vision" if "vision_tower" in name else "--delta"]


@pytest.mark.parametrize("pad_row", [True, False], ids=["32001-rows", "32000-rows"])
def test_minigpt4(pad_row: bool, reads: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "CONTEXT", 2048)
    facts = {
        "text_config": {**LLAMA, "vocab_size": 32001, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048},
        "vision_config": EVA,
        "qformer_config": QFORMER,
        "num_query_tokens": 32,
        "image_token_index": 32000,
    }
    recipe = minigpt4_recipe(*published.minigpt4(tmp_path, pad_row), [])
    made_of = origins(recipe, reads, Blip2Config(**facts), MINIGPT4_NAMES)
    assert pick(recipe.config.to_dict(), facts) == facts
    assert sum(not name.startswith("language_model.") for name in made_of) == 731
    for name, sources in made_of.items():
        assert len(sources) == 1 + name.endswith("qkv.bias")


def origins(
    recipe: Recipe, reads: list[tuple[str, str]], config: PreTrainedConfig, names: list[tuple[str, str]]
) -> dict[str, list[tuple[str, str]]]:
    """What each tensor is made of, once it has been made in the shape that the network of `config` gives it.

    All that was published is used once, for the tensor that `names` say, or left out; what is left out would
    have no place.
    """
    check_whole(recipe)
    with torch.device("meta"):
        wanted = AutoModelForImageTextToText.from_config(config).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.items()}
    assert {name: part.shape for name, part in recipe.parts.items()} == shapes
    made_of = {}
    for name, part in recipe.parts.items():
        reads.clear()
        assert part.make().shape == part.shape
        made_of[name] = list(reads)

    dropped = [(option, key) for option, keys in recipe.dropped.items() for key in keys]
    used = [source for sources in made_of.values() for source in sources]
    held = [(weights.option, key) for weights in recipe.sources for key in weights.entries]
    assert sorted([*used, *dropped]) == sorted(held)
    for name, sources in made_of.items():
        assert {translate(key, names) for _, key in sources} <= {name}
    assert not {translate(key, names) for _, key in dropped} & wanted.keys()
    return made_of


def translate(key: str, names: list[tuple[str, str]]) -> str:
    for old, new in names:
        key = key.replace(old, new)
    return key


def pick(settings: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Of the settings those that the facts speak of."""
    return {
        name: pick(settings[name], fact) if isinstance(fact, dict) else settings[name]
        for name, fact in facts.items()
    }


def gigabytes(weights: Weights) -> float:
    return sum(torch.Size(shape).numel() * dtype.itemsize for shape, dtype in weights.entries.values()) / 1e9
