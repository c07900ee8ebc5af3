"""Miniature files in exactly the layouts in which LLaVA-1.5, MiniGPT-4 and Shikra were published.

Same key names, number formats, shards, index files and odd extra keys; only the sizes are small. Where a size
is a rule of the original code (39 of 40 EVA blocks, heads 88 and 64 wide), it is kept.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import random
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from torch import Tensor

PIECES = 400
HIDDEN, LAYERS, HEADS, MLP, CONTEXT = 32, 4, 4, 48, 256
CLIP_HIDDEN, CLIP_LAYERS, CLIP_HEADS, CLIP_MLP, CLIP_SIDE, CLIP_PATCH = 24, 3, 4, 48, 24, 6  # 16 patches
CLIP_TEXT_LAYERS = 2
EVA_HIDDEN, EVA_MLP, EVA_SIDE, EVA_PATCH = 176, 64, 42, 14  # 9 patches, 2 heads of 88
QFORMER_HIDDEN, QFORMER_LAYERS, QFORMER_MLP, QUERIES = 128, 4, 96, 5

_WORDS = (
    "A chat between a curious user and an artificial intelligence assistant The USER ASSISTANT : . ### ## # "
    "###Human: ###Assistant: Please describe this image in detail cat dog What is on the table Img Give"
).split()

Tensors = dict[str, Tensor]


def llava(folder: Path, projector_in_shards: bool = False) -> tuple[Path, Path]:
    """As `liuhaotian/llava-v1.5-7b` and `openai/clip-vit-large-patch14-336`: the checkpoint and the tower."""
    checkpoint = folder / "llava"
    checkpoint.mkdir(parents=True)
    pieces = save_tokenizer(checkpoint)
    language = llama(pieces, seed=1)
    projector = {
        "model.mm_projector.0.weight": noise(2, HIDDEN, CLIP_HIDDEN),
        "model.mm_projector.0.bias": noise(3, HIDDEN),
        "model.mm_projector.2.weight": noise(4, HIDDEN, HIDDEN),
        "model.mm_projector.2.bias": noise(5, HIDDEN),
    }
    save_shards(checkpoint, language | projector if projector_in_shards else language, 2)
    torch.save(projector, checkpoint / "mm_projector.bin")
    save_config(
        checkpoint,
        model_type="llava",
        architectures=["LlavaLlamaForCausalLM"],
        mm_vision_tower=f"openai/clip-vit-small-patch{CLIP_PATCH}-{CLIP_SIDE}",
        mm_vision_select_layer=-2,
        mm_vision_select_feature="patch",
        mm_projector_type="mlp2x_gelu",
        mm_hidden_size=CLIP_HIDDEN,
        mm_use_im_start_end=False,
        image_aspect_ratio="pad",
        rms_norm_eps=1e-5,
        vocab_size=pieces,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return checkpoint, clip(folder / "clip")


def shikra(folder: Path) -> tuple[Path, Path, Path]:
    """As `shikras/shikra-7b-delta-v1`, LLaMA-1 and `openai/clip-vit-large-patch14`."""
    delta, base = folder / "delta", folder / "base"
    delta.mkdir(parents=True)
    base.mkdir()
    pieces = save_tokenizer(base)
    save_tokenizer(delta)
    save_shards(base, llama(pieces, seed=1, inverse_frequencies=True), 3)
    difference = {key: tensor * 0.3 for key, tensor in llama(pieces + 3, seed=6).items()} | {
        "model.mm_projector.weight": noise(7, HIDDEN, CLIP_HIDDEN),
        "model.mm_projector.bias": noise(8, HIDDEN),
    }
    save_shards(delta, difference, 2)
    shared = dict(rms_norm_eps=1e-6, max_sequence_length=CONTEXT, max_position_embeddings=None)
    save_config(base, model_type="llama", vocab_size=pieces, bos_token_id=0, eos_token_id=1, **shared)
    save_config(
        delta,
        model_type="shikra",
        architectures=["ShikraLlamaForCausalLM"],
        mm_hidden_size=CLIP_HIDDEN,
        mm_vision_select_layer=-2,
        mm_use_im_start_end=True,
        vocab_size=pieces + 3,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=-1,
        **shared,
    )
    return delta, base, clip(folder / "clip")


def minigpt4(folder: Path, pad_row: bool = True) -> tuple[Path, Path, Path, Path]:
    """`eva_vit_g.pth`, `blip2_pretrained_flant5xxl.pth`, `prerained_minigpt4_7b.pth` and Vicuna-7B v0."""
    vicuna = folder / "vicuna"
    vicuna.mkdir(parents=True)
    pieces = save_tokenizer(vicuna)
    save_shards(vicuna, llama(pieces + pad_row, seed=1, inverse_frequencies=True), 2)
    save_config(
        vicuna,
        model_type="llama",
        rms_norm_eps=1e-6,
        vocab_size=pieces + pad_row,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=-1,
    )
    generation = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
    (vicuna / "generation_config.json").write_text(json.dumps(generation))
    torch.save(eva(), folder / "eva_vit_g.pth")
    torch.save({"model": qformer()}, folder / "blip2_pretrained_flant5xxl.pth")
    trained = {
        "model": single(linear("llama_proj", 40, HIDDEN, QFORMER_HIDDEN)),
        "optimizer": {"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-5}]},
        "config": argparse.Namespace(cfg_path="train.yaml", options=None),
        "scaler": {"scale": 65536.0, "growth_factor": 2.0},
        "epoch": 3,
    }
    torch.save(trained, folder / "prerained_minigpt4_7b.pth")
    names = ("eva_vit_g.pth", "blip2_pretrained_flant5xxl.pth", "prerained_minigpt4_7b.pth")
    return folder / names[0], folder / names[1], folder / names[2], vicuna


def noise(seed: int, *shape: int, scale: float = 0.3) -> Tensor:
    """float16, as nearly everything was published."""
    return (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale).half()


def norm(seed: int, width: int) -> Tensor:
    return 1 + noise(seed, width, scale=0.1)


def llama(vocabulary: int, seed: int, inverse_frequencies: bool = False) -> Tensors:
    seed *= 1000
    tensors = {"model.embed_tokens.weight": noise(seed, vocabulary, HIDDEN, scale=1.0)}
    for layer in range(LAYERS):
        stem, base = f"model.layers.{layer}.", seed + 100 * (layer + 1)
        for number, name in enumerate(("q", "k", "v", "o")):
            # At small weights all attention is uniform, and every answer one token for ever.
            scale = 0.25 if name in "qk" else 0.3
            tensors[f"{stem}self_attn.{name}_proj.weight"] = noise(base + number, HIDDEN, HIDDEN, scale=scale)
        if inverse_frequencies:
            width = HIDDEN // HEADS
            tensors[f"{stem}self_attn.rotary_emb.inv_freq"] = 10000.0 ** -(torch.arange(0, width, 2) / width)
        tensors[stem + "mlp.gate_proj.weight"] = noise(base + 5, MLP, HIDDEN)
        tensors[stem + "mlp.down_proj.weight"] = noise(base + 6, HIDDEN, MLP)
        tensors[stem + "mlp.up_proj.weight"] = noise(base + 7, MLP, HIDDEN)
        tensors[stem + "input_layernorm.weight"] = norm(base + 8, HIDDEN)
        tensors[stem + "post_attention_layernorm.weight"] = norm(base + 9, HIDDEN)
    tensors["model.norm.weight"] = norm(seed + 90, HIDDEN)
    tensors["lm_head.weight"] = noise(seed + 91, vocabulary, HIDDEN, scale=0.5)
    return tensors


def clip(folder: Path) -> Path:
    """float32, the half that reads text along with it, in one file."""
    folder.mkdir()
    width = CLIP_HIDDEN
    patches = (CLIP_SIDE // CLIP_PATCH) ** 2
    tensors = {
        "logit_scale": torch.tensor(4.6),
        "text_model.embeddings.position_ids": torch.arange(7)[None],
        "text_model.embeddings.token_embedding.weight": noise(500, 9, width),
        "text_model.embeddings.position_embedding.weight": noise(501, 7, width),
        "text_projection.weight": noise(502, 8, width),
        "visual_projection.weight": noise(503, 8, width),
        "vision_model.embeddings.position_ids": torch.arange(patches + 1)[None],
        "vision_model.embeddings.class_embedding": noise(504, width),
        "vision_model.embeddings.patch_embedding.weight": noise(505, width, 3, CLIP_PATCH, CLIP_PATCH),
        "vision_model.embeddings.position_embedding.weight": noise(506, patches + 1, width),
    }
    for number, name in enumerate(("pre_layrnorm", "post_layernorm")):
        tensors |= layer_norm(f"vision_model.{name}", 510 + 2 * number, width)
    tensors |= layer_norm("text_model.final_layer_norm", 514, width)
    for half, layers in (("vision", CLIP_LAYERS), ("text", CLIP_TEXT_LAYERS)):
        for layer in range(layers):
            stem, seed = f"{half}_model.encoder.layers.{layer}.", 520 + 30 * layer
            for number, name in enumerate(("k", "v", "q", "out")):
                tensors |= linear(f"{stem}self_attn.{name}_proj", seed + 2 * number, width, width)
            tensors |= layer_norm(stem + "layer_norm1", seed + 10, width)
            tensors |= linear(stem + "mlp.fc1", seed + 12, CLIP_MLP, width)
            tensors |= linear(stem + "mlp.fc2", seed + 14, width, CLIP_MLP)
            tensors |= layer_norm(stem + "layer_norm2", seed + 16, width)
    torch.save(single(tensors), folder / "pytorch_model.bin")
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": width,
        "intermediate_size": CLIP_MLP,
        "num_hidden_layers": CLIP_LAYERS,
        "num_attention_heads": CLIP_HEADS,
        "image_size": CLIP_SIDE,
        "patch_size": CLIP_PATCH,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "projection_dim": 8,
        "length_penalty": 1.0,
    }
    config: dict[str, Any] = {"model_type": "clip", "projection_dim": 8, "vision_config": vision}
    config["text_config"] = {"model_type": "clip_text_model"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def eva(blocks: int = 40) -> Tensors:
    width, patches = EVA_HIDDEN, (EVA_SIDE // EVA_PATCH) ** 2
    tensors = {
        "cls_token": noise(600, 1, 1, width),
        "pos_embed": noise(601, 1, patches + 1, width),
        "patch_embed.proj.weight": noise(602, width, 3, EVA_PATCH, EVA_PATCH, scale=0.1),
        "patch_embed.proj.bias": noise(603, width),
    }
    for block in range(blocks):
        stem, seed = f"blocks.{block}.", 1000 + 30 * block
        tensors |= layer_norm(stem + "norm1", seed, width)
        tensors |= {
            stem + "attn.q_bias": noise(seed + 2, width),
            stem + "attn.v_bias": noise(seed + 3, width),
            stem + "attn.qkv.weight": noise(seed + 4, 3 * width, width, scale=0.1),
        }
        tensors |= linear(stem + "attn.proj", seed + 5, width, width, scale=0.05)
        tensors |= layer_norm(stem + "norm2", seed + 7, width)
        tensors |= linear(stem + "mlp.fc1", seed + 9, EVA_MLP, width, scale=0.05)
        tensors |= linear(stem + "mlp.fc2", seed + 11, width, EVA_MLP, scale=0.05)
    return tensors | layer_norm("norm", 604, width) | linear("head", 606, 10, width)


def qformer() -> Tensors:
    """float32, the branch that reads text along with it."""
    width = QFORMER_HIDDEN
    tensors = {"query_tokens": noise(700, 1, QUERIES, width)}
    tensors |= layer_norm("ln_vision", 701, EVA_HIDDEN) | linear("t5_proj", 703, 12, width)
    stem = "Qformer.bert.embeddings."
    tensors |= {
        stem + "position_ids": torch.arange(16)[None],
        stem + "word_embeddings.weight": noise(705, 11, width),
        stem + "position_embeddings.weight": noise(706, 16, width),
    }
    tensors |= layer_norm(stem + "LayerNorm", 707, width)
    for layer in range(QFORMER_LAYERS):
        stem, seed = f"Qformer.bert.encoder.layer.{layer}.", 2000 + 100 * layer
        kinds = ["attention", "crossattention"] if layer % 2 == 0 else ["attention"]
        for number, kind in enumerate(kinds):
            for index, name in enumerate(("query", "key", "value")):
                keys = EVA_HIDDEN if kind == "crossattention" and name != "query" else width
                tensors |= linear(f"{stem}{kind}.self.{name}", seed + 30 * number + 2 * index, width, keys)
            tensors |= linear(f"{stem}{kind}.output.dense", seed + 30 * number + 10, width, width)
            tensors |= layer_norm(f"{stem}{kind}.output.LayerNorm", seed + 30 * number + 12, width)
        for number, suffix in enumerate(("", "_query")):
            tensors |= linear(
                f"{stem}intermediate{suffix}.dense", seed + 60 + 10 * number, QFORMER_MLP, width
            )
            tensors |= linear(f"{stem}output{suffix}.dense", seed + 62 + 10 * number, width, QFORMER_MLP)
            tensors |= layer_norm(f"{stem}output{suffix}.LayerNorm", seed + 64 + 10 * number, width)
    tensors |= linear("Qformer.cls.predictions.decoder", 709, 11, width)
    return single(tensors)


def single(tensors: Tensors) -> Tensors:
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}


def linear(name: str, seed: int, rows: int, columns: int, scale: float = 0.2) -> Tensors:
    return {f"{name}.weight": noise(seed, rows, columns, scale=scale), f"{name}.bias": noise(seed + 1, rows)}


def layer_norm(name: str, seed: int, width: int) -> Tensors:
    return {f"{name}.weight": norm(seed, width), f"{name}.bias": noise(seed + 1, width, scale=0.1)}


def save_shards(folder: Path, tensors: Tensors, count: int) -> None:
    """With the index that transformers 4 wrote."""
    names = list(tensors)
    size = -(-len(names) // count)
    weight_map = {}
    for number in range(count):
        file = f"pytorch_model-{number + 1:05}-of-{count:05}.bin"
        part = {name: tensors[name] for name in names[number * size : (number + 1) * size]}
        torch.save(part, folder / file)
        weight_map |= dict.fromkeys(part, file)
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def save_config(folder: Path, **settings: Any) -> None:
    common = {
        "hidden_size": HIDDEN,
        "intermediate_size": MLP,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": CONTEXT,
        "hidden_act": "silu",
        "torch_dtype": "float16",
        "transformers_version": "4.28.0.dev0",
        "use_cache": True,
    }
    (folder / "config.json").write_text(json.dumps(common | settings))


def save_tokenizer(folder: Path) -> int:
    """A SentencePiece model with LLaMA's settings; how many pieces it has."""
    data = _tokenizer(PIECES)
    (folder / "tokenizer.model").write_bytes(data)
    return sentencepiece.SentencePieceProcessor(model_proto=data).vocab_size()


@functools.cache
def _tokenizer(pieces: int) -> bytes:
    """Trained to 400 pieces; any further ones are characters that no text holds."""
    lines = random.Random(0)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(lines.choices(_WORDS, k=12)) for _ in range(400)]),
        model_writer=model,
        vocab_size=pieces,
        user_defined_symbols=[chr(0x20000 + number) for number in range(pieces - 400)],
        hard_vocab_limit=False,
        model_type="bpe",
        byte_fallback=True,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        character_coverage=1.0,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()
