"""The original modules in plain tensor operations, one image and one prompt at a time, in float32.

Over the published tensors, as LLaVA, MiniGPT-4 (LAVIS) and Shikra compute; nothing of transformers is used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import torch
from torch import Tensor
from torch.nn import functional as F

Tensors = dict[str, Tensor]


class Tokenizer:
    """`tokenizer_image_token` of LLaVA: what stands around the image is tokenised as chunks of their own."""

    def __init__(self, folder: Path) -> None:
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))

    def chunks(self, prompt: str, marker: str) -> list[list[int]]:
        """With BOS at the very front."""
        before, after = (self.model.encode(chunk) for chunk in prompt.split(marker))
        return [[1, *before], after]


def read_shards(folder: Path) -> Tensors:
    tensors: Tensors = {}
    for file in sorted(folder.glob("pytorch_model*.bin")):
        tensors |= torch.load(file, weights_only=True)
    return {key: tensor.float() for key, tensor in tensors.items()}


def llama(tensors: Tensors, embedded: Tensor, heads: int, eps: float) -> Tensor:
    """[P, hidden] -> logits [P, vocabulary]."""
    states = embedded
    length, width = states.shape
    causal = torch.full((length, length), -math.inf).triu(1)
    layers = 1 + max(int(key.split(".")[2]) for key in tensors if key.startswith("model.layers."))
    for layer in range(layers):
        stem = f"model.layers.{layer}."
        normed = _rms(states, tensors[stem + "input_layernorm.weight"], eps)
        q, k, v = (
            (normed @ tensors[f"{stem}self_attn.{name}_proj.weight"].T)
            .view(length, heads, -1)
            .transpose(0, 1)
            for name in "qkv"
        )
        q, k = _rotate(q), _rotate(k)
        weights = (q @ k.transpose(1, 2) / math.sqrt(width // heads) + causal).softmax(-1)
        mixed = (weights @ v).transpose(0, 1).reshape(length, width)
        states = states + mixed @ tensors[stem + "self_attn.o_proj.weight"].T
        normed = _rms(states, tensors[stem + "post_attention_layernorm.weight"], eps)
        gate = F.silu(normed @ tensors[stem + "mlp.gate_proj.weight"].T)
        up = normed @ tensors[stem + "mlp.up_proj.weight"].T
        states = states + (gate * up) @ tensors[stem + "mlp.down_proj.weight"].T
    return _rms(states, tensors["model.norm.weight"], eps) @ tensors["lm_head.weight"].T


def write(
    tensors: Tensors, prompt: Tensor, heads: int, eps: float, count: int, ends: Sequence[list[int]] = ()
) -> list[int]:
    """The greedy answer to an embedded prompt, until it ends with one of `ends`."""
    answer: list[int] = []
    embedding = tensors["model.embed_tokens.weight"]
    while len(answer) < count and not any(answer[-len(end) :] == end for end in ends):
        embedded = torch.cat([prompt, embedding[answer]])
        answer.append(int(llama(tensors, embedded, heads, eps)[-1].argmax()))
    return answer


def splice(tensors: Tensors, chunks: list[list[int]], image: Tensor) -> Tensor:
    """[P, hidden]: the embedded text, the image's features in between."""
    before, after = (tensors["model.embed_tokens.weight"][ids] for ids in chunks)
    return torch.cat([before, image, after])


def clip(tensors: Tensors, pixels: Tensor, heads: int) -> tuple[list[Tensor], list[Tensor]]:
    """[3, S, S] -> hidden states [1 + patches, width], the embedding first; attention [H, N, N] per layer."""
    stem = "vision_model.embeddings."
    kernel = tensors[stem + "patch_embedding.weight"]
    patches = F.conv2d(pixels[None], kernel, stride=kernel.shape[-1])[0].flatten(1).T
    states = torch.cat([tensors[stem + "class_embedding"][None], patches])
    states = states + tensors[stem + "position_embedding.weight"]
    states = _layer_norm(tensors, "vision_model.pre_layrnorm", states, 1e-5)
    hidden, maps = [states], []
    layers = len({key.split(".")[3] for key in tensors if key.startswith("vision_model.encoder.layers.")})
    for layer in range(layers):
        stem = f"vision_model.encoder.layers.{layer}."
        normed = _layer_norm(tensors, stem + "layer_norm1", states, 1e-5)
        q, k, v = (_heads(_linear(tensors, f"{stem}self_attn.{name}_proj", normed), heads) for name in "qkv")
        mixed, weights = _attend(q, k, v)
        states = states + _linear(tensors, stem + "self_attn.out_proj", mixed)
        normed = _layer_norm(tensors, stem + "layer_norm2", states, 1e-5)
        inner = _linear(tensors, stem + "mlp.fc1", normed)
        states = states + _linear(tensors, stem + "mlp.fc2", inner * torch.sigmoid(1.702 * inner))
        hidden.append(states)
        maps.append(weights)
    return hidden, maps


def eva(tensors: Tensors, pixels: Tensor, depth: int, heads: int) -> tuple[Tensor, Tensor]:
    """[3, S, S] -> the last block's output [1 + patches, width] and its attention [H, N, N]."""
    kernel = tensors["patch_embed.proj.weight"]
    patches = F.conv2d(pixels[None], kernel, tensors["patch_embed.proj.bias"], stride=kernel.shape[-1])
    states = torch.cat([tensors["cls_token"][0], patches[0].flatten(1).T]) + tensors["pos_embed"][0]
    weights = torch.empty(0)
    for block in range(depth):
        stem = f"blocks.{block}."
        normed = _layer_norm(tensors, stem + "norm1", states, 1e-6)
        q_bias, v_bias = tensors[stem + "attn.q_bias"], tensors[stem + "attn.v_bias"]
        bias = torch.cat([q_bias, torch.zeros_like(v_bias), v_bias])
        qkv = F.linear(normed, tensors[stem + "attn.qkv.weight"], bias)
        length, width = states.shape
        q, k, v = qkv.reshape(length, 3, heads, width // heads).permute(1, 2, 0, 3)
        mixed, weights = _attend(q, k, v)
        states = states + _linear(tensors, stem + "attn.proj", mixed)
        normed = _layer_norm(tensors, stem + "norm2", states, 1e-6)
        states = states + _linear(
            tensors, stem + "mlp.fc2", F.gelu(_linear(tensors, stem + "mlp.fc1", normed))
        )
    return states, weights


def qformer(tensors: Tensors, image: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """The tower's output [N, width] -> queries [Q, width], attention of the last cross layer [H, Q, N]."""
    image = _layer_norm(tensors, "ln_vision", image, 1e-5)
    states = _layer_norm(tensors, "Qformer.bert.embeddings.LayerNorm", tensors["query_tokens"][0], 1e-12)
    layers = len({key.split(".")[4] for key in tensors if key.startswith("Qformer.bert.encoder.layer.")})
    last = torch.empty(0)
    for layer in range(layers):
        stem = f"Qformer.bert.encoder.layer.{layer}."
        states, _ = _bert_attention(tensors, stem + "attention", states, states, heads)
        if layer % 2 == 0:
            states, last = _bert_attention(tensors, stem + "crossattention", states, image, heads)
        inner = F.gelu(_linear(tensors, stem + "intermediate_query.dense", states))
        outer = _linear(tensors, stem + "output_query.dense", inner)
        states = _layer_norm(tensors, stem + "output_query.LayerNorm", outer + states, 1e-12)
    return states, last


def _bert_attention(
    tensors: Tensors, name: str, states: Tensor, sources: Tensor, heads: int
) -> tuple[Tensor, Tensor]:
    q = _heads(_linear(tensors, f"{name}.self.query", states), heads)
    k, v = (_heads(_linear(tensors, f"{name}.self.{part}", sources), heads) for part in ("key", "value"))
    mixed, weights = _attend(q, k, v)
    outer = _linear(tensors, f"{name}.output.dense", mixed)
    return _layer_norm(tensors, f"{name}.output.LayerNorm", outer + states, 1e-12), weights


def _attend(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    weights = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(-1)
    return (weights @ v).transpose(0, 1).flatten(1), weights


def _heads(states: Tensor, heads: int) -> Tensor:
    return states.view(len(states), heads, -1).transpose(0, 1)


def _linear(tensors: Tensors, name: str, states: Tensor) -> Tensor:
    return F.linear(states, tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _layer_norm(tensors: Tensors, name: str, states: Tensor, eps: float) -> Tensor:
    return F.layer_norm(states, states.shape[-1:], tensors[f"{name}.weight"], tensors[f"{name}.bias"], eps)


def _rms(states: Tensor, weight: Tensor, eps: float) -> Tensor:
    return states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + eps) * weight


def _rotate(heads: Tensor) -> Tensor:
    """Rotary positions on [H, P, D]."""
    length, width = heads.shape[1:]
    angles = torch.arange(length)[:, None] * 10000.0 ** -(torch.arange(0, width, 2) / width)
    cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
    first, second = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat([-second, first], dim=-1) * sin
