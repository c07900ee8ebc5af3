"""The baseline: captioning as the scripts of AAI's authors do it, written for comparison.

Batch 1, one cell after the other, eager attention at every step, the vision tower once for the reference and
once more for the features, a full prefill for every caption: transformers' `generate` with an attention
function that reads its settings from a global, as their patched decoder layers do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask
from transformers.models.llama.modeling_llama import eager_attention_forward, repeat_kv

from ..attention import ATTENTION
from ..models import Model
from ..models.family import Pixels

_NAME = "released_style"


class Cell(NamedTuple):
    alpha: float
    layers: tuple[int, int]


class _State:
    """The settings that the patched layers read, as globals."""

    cell: Cell | None = None
    reference: Tensor = torch.empty(0)
    image_start = 0
    first_position: int | None = None


def caption(model: Model, pixels: Pixels, ids: list[int], cell: Cell | None, tokens: int) -> list[int]:
    """The ids that one cell writes about one image."""
    network = model.network
    network.set_attn_implementation({"text_config": _NAME, "vision_config": "eager"})
    try:
        values = pixels.values.to(model.device, model.dtype)
        _State.cell, _State.first_position = cell, None
        _State.image_start = model.image_positions(ids, pixels)[0]
        _State.reference = _extract(network, values)
        prompt = torch.tensor([ids], device=model.device)
        written = network.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            pixel_values=values,
            max_new_tokens=tokens,
            do_sample=False,
        )
        return written[0, len(ids) :].tolist()
    finally:
        network.set_attn_implementation({"text_config": ATTENTION, "vision_config": "eager"})


def _extract(network: Any, values: Tensor) -> Tensor:
    attentions = network.model.vision_tower(
        values, output_attentions=True
    ).attentions  # all layers, to use one
    return attentions[-1][0].float().mean(dim=0)[1:, 1:].sum(dim=0)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    position_ids: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    cell, layer = _State.cell, int(module.layer_idx)  # type: ignore[arg-type]
    if cell is None or not cell.layers[0] <= layer < cell.layers[1]:
        return eager_attention_forward(module, query, key, value, attention_mask, scaling, **kwargs)
    weights = query @ repeat_kv(key, module.num_key_value_groups).transpose(2, 3) * scaling  # type: ignore[arg-type]
    if attention_mask is not None:
        weights = weights + attention_mask
    position = key.shape[2] - 1
    if _State.first_position is None:
        _State.first_position = position
    if position - _State.first_position > 5:
        reference = _State.reference / (_State.reference.mean() + 1e-8)
        image = slice(_State.image_start, _State.image_start + len(reference))
        x = weights[:, :, -1, image]
        weights[:, :, -1, image] = cell.alpha * x.abs() * reference.abs() + x
    weights = torch.softmax(weights, dim=-1, dtype=torch.float32).to(query.dtype)
    output = weights @ repeat_kv(value, module.num_key_value_groups)  # type: ignore[arg-type]
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(_NAME, _attention)
AttentionMaskInterface.register(_NAME, eager_mask)
