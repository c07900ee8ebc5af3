"""Attention edits again, written for the tests from their formulas: plain tensors, no cache, all recomputed.

Independent of the worker and of transformers' decoder; of transformers it uses weights and vision features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Edit(NamedTuple):
    """AAI."""

    alpha: float
    beta: float
    layers: tuple[int, int]
    warmup: int

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        """`x` [Hq, K]: one query's logits, in place."""
        for key, weight in zip(keys, r, strict=True):
            x[:, key] = self.alpha * x[:, key].abs() * weight + self.beta * x[:, key]


class Pai(NamedTuple):
    alpha: float
    layers: tuple[int, int]
    warmup: int = -1

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        for key in keys:
            x[:, key] += self.alpha * x[:, key].abs()


class Hgai(NamedTuple):
    alpha: float
    layers: tuple[int, int]
    warmup: int = -1

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        for key in keys:
            x[:, key] += self.alpha * sum(abs(float(head)) for head in x[:, key]) / len(x)


class Vaf(NamedTuple):
    enhance: float
    suppress: float
    layers: tuple[int, int]
    warmup: int = -1
    prompt: bool = True  # as released: prompt queries behind the image are edited, too

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        for key in range(keys[-1] + 1):
            x[:, key] *= self.enhance if key in keys else self.suppress if key < keys[0] else 1


class Watch(NamedTuple):
    """SID's first half: which image keys a query attends to most, for `Hide` to hide."""

    keep: int
    length: int  # tokens of the prompt
    hidden: dict[int, list[int]]  # by step
    layers: tuple[int, int]
    warmup: int = -1
    prompt: bool = False

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        received = torch.softmax(x, dim=-1).mean(dim=0)
        self.hidden[x.shape[1] - self.length] = sorted(keys, key=lambda key: received[key])[self.keep :]


class Hide(NamedTuple):
    """SID's second half: every query of the prompt is denied what its last one chose."""

    length: int
    hidden: dict[int, list[int]]
    layers: tuple[int, int]
    warmup: int = -1
    prompt: bool = True

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        newest = x.shape[1] - 1
        hidden = [key for key in self.hidden[max(newest + 1 - self.length, 0)] if key <= newest]
        if len(hidden) == newest + 1:  # nothing else to see
            hidden.remove(newest)
        x[:, hidden] = -torch.inf


def seed_reference(model: Any, pixels: Tensor) -> Tensor:
    """Last layer, heads averaged, CLS row and column dropped, summed over queries."""
    attention = model.model.vision_tower(pixels, output_attentions=True).attentions[-1][0]  # [H, N, N]
    received = torch.zeros(attention.shape[-1] - 1)
    for key in range(1, attention.shape[-1]):
        for query in range(1, attention.shape[-1]):
            received[key - 1] += attention[:, query, key].mean()
    return received


def greedy(
    model: Any, prompt: Tensor, image_keys: list[int], reference: Tensor, edits: Sequence[Any], count: int
) -> tuple[list[int], Tensor]:
    """`prompt` [P, hidden], embedded -> the tokens, and the logits [count, V] that chose them."""
    weights = model.state_dict()
    embedding = weights["model.language_model.embed_tokens.weight"]
    r = reference / (reference.mean() + 1e-8)
    hidden, tokens, logits = prompt, [], []
    for _ in range(count):
        logits.append(_forward(model, weights, hidden, len(prompt), image_keys, r, edits))
        tokens.append(int(logits[-1].argmax()))
        hidden = torch.cat([hidden, embedding[tokens[-1]][None]])
    return tokens, torch.stack(logits)


def contrasted(
    model: Any,
    prompt: Tensor,
    image_keys: list[int],
    reference: Tensor,
    edits: Sequence[Any],
    other: Tensor,
    combine: Callable[[Tensor, Tensor, int], Tensor],
    count: int,
    blinkers: Sequence[Any] = (),
) -> tuple[list[int], Tensor]:
    """As `greedy`, by `combine` of the logits after both prompts; `blinkers` are edits of the other one."""
    tokens: list[int] = []
    logits = []
    for _ in range(count):
        logits.append(after(model, prompt, image_keys, reference, edits, other, combine, tokens, blinkers))
        tokens.append(int(logits[-1].argmax()))
    return tokens, torch.stack(logits)


def after(
    model: Any,
    prompt: Tensor,
    image_keys: list[int],
    reference: Tensor,
    edits: Sequence[Any],
    other: Tensor,
    combine: Callable[[Tensor, Tensor, int], Tensor],
    tokens: list[int],
    blinkers: Sequence[Any] = (),
) -> Tensor:
    """The contrasted logits [V] after these tokens."""
    weights = model.state_dict()
    r = reference / (reference.mean() + 1e-8)
    written = weights["model.language_model.embed_tokens.weight"][tokens]
    main = _forward(model, weights, torch.cat([prompt, written]), len(prompt), image_keys, r, edits)
    second = _forward(model, weights, torch.cat([other, written]), len(other), image_keys, r, blinkers)
    return combine(main, second, len(tokens))


def _forward(
    model: Any,
    weights: dict[str, Tensor],
    hidden: Tensor,  # [L, hidden]
    prompt_length: int,
    image_keys: list[int],
    r: Tensor,
    edits: Sequence[Any],
) -> Tensor:
    config = model.config.text_config
    for layer in range(config.num_hidden_layers):
        part = f"model.language_model.layers.{layer}"
        x = norm(hidden, weights[f"{part}.input_layernorm.weight"], config.rms_norm_eps)
        q, k, v = (_heads(x @ weights[f"{part}.self_attn.{name}_proj.weight"].T, config) for name in "qkv")
        q, k = _rotate(q, config), _rotate(k, config)
        k, v = (x.repeat_interleave(len(q) // len(x), dim=0) for x in (k, v))  # heads share keys and values
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5  # [Hq, query, key]
        for query in range(len(hidden)):
            step = query - prompt_length + 1  # generated tokens when this query was the newest
            for edit in edits:
                edited = step > edit.warmup if step >= 0 else _edits_prompt(edit, query, image_keys)
                if edited and edit.layers[0] <= layer < edit.layers[1]:
                    edit.change(scores[:, query, : query + 1], image_keys, r)
        future = torch.ones_like(scores[0], dtype=torch.bool).triu(diagonal=1)
        output = torch.softmax(scores.masked_fill(future, -torch.inf), dim=-1) @ v  # [Hq, L, D]
        hidden = hidden + output.transpose(0, 1).flatten(1) @ weights[f"{part}.self_attn.o_proj.weight"].T
        x = norm(hidden, weights[f"{part}.post_attention_layernorm.weight"], config.rms_norm_eps)
        gate, up, down = (weights[f"{part}.mlp.{name}_proj.weight"] for name in ("gate", "up", "down"))
        hidden = hidden + (torch.nn.functional.silu(x @ gate.T) * (x @ up.T)) @ down.T
    last = norm(hidden[-1], weights["model.language_model.norm.weight"], config.rms_norm_eps)
    return last @ weights["lm_head.weight"].T


def _edits_prompt(edit: Any, query: int, image_keys: list[int]) -> bool:
    if isinstance(edit, Hide):
        return edit.prompt
    return getattr(edit, "prompt", False) and query > max(image_keys)


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return weight * x / (x.pow(2).mean(dim=-1, keepdim=True) + eps).sqrt()


def _heads(x: Tensor, config: Any) -> Tensor:
    """[L, H * D] -> [H, L, D]"""
    size = config.hidden_size // config.num_attention_heads
    return x.reshape(len(x), -1, size).transpose(0, 1)


def _rotate(x: Tensor, config: Any) -> Tensor:
    """Rotary position embedding: dimension i turns together with dimension i + D / 2."""
    half = x.shape[-1] // 2
    frequency = 10000.0 ** -(torch.arange(half) / half)
    angle = torch.arange(x.shape[1])[:, None] * frequency  # [L, D / 2]
    first, second = x[..., :half], x[..., half:]
    return torch.cat(
        [first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()], dim=-1
    )
