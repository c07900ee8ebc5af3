"""The decoder's attention function, registered with transformers under the name "aai".

Whatever a step does to attention travels as the keyword argument `attention_step` of `model.forward`, which
hands it down to every attention module; nothing is kept on a module. Without it, or with more than one query
(prefill), this is transformers' own sdpa function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .plan import Plan

ATTENTION = "aai"


class AttentionStep(NamedTuple):
    """One decoding step of all rows: what to edit, and who wants to see the weights."""

    plan: Plan
    record: Callable[[int, Tensor], None] | None  # gets a layer and its weights, [R, Hq, K] float32
    recorded: frozenset[int]  # layers


def attention_forward(
    module: nn.Module,
    query: Tensor,  # [R, Hq, Q, D]
    key: Tensor,  # [R, Hkv, K, D]
    value: Tensor,  # [R, Hkv, K, D]
    attention_mask: Tensor | None,  # [R, 1, Q, K] bool, True = may attend
    scaling: float | None = None,
    attention_step: AttentionStep | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Output [R, Q, Hq, D]. Recording alone leaves the output as it is, bit for bit."""
    plain = (module, query, key, value, attention_mask)
    if attention_step is None or query.shape[2] != 1:
        return sdpa_attention_forward(*plain, scaling=scaling, **kwargs)
    layer: int = module.layer_idx  # type: ignore[assignment]
    edited = attention_step.plan.touches(layer)
    recorded = attention_step.record is not None and layer in attention_step.recorded
    if not edited and not recorded:
        return sdpa_attention_forward(*plain, scaling=scaling, **kwargs)

    weights = _weights(attention_step.plan, layer, query, key, attention_mask, scaling)  # [R, Hkv, G, K]
    if recorded:
        attention_step.record(layer, weights.flatten(1, 2))  # type: ignore[misc]
    if not edited:
        return sdpa_attention_forward(*plain, scaling=scaling, **kwargs)
    output = weights.to(value.dtype) @ value  # [R, Hkv, G, D]
    return output.flatten(1, 2)[:, None], None


def _weights(
    plan: Plan, layer: int, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float | None
) -> Tensor:
    """Edited, masked, softmaxed; in float32, so that |x| * r keeps its digits in half precision."""
    rows, heads, _, size = query.shape
    kv_heads = key.shape[1]
    grouped = query.reshape(
        rows, kv_heads, heads // kv_heads, size
    )  # heads that share a key: no copy of the keys
    logits = (grouped @ key.transpose(2, 3)).float() * (size**-0.5 if scaling is None else scaling)
    logits = plan.apply(layer, logits)
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)  # the edit comes first: a masked key stays masked
    return torch.softmax(logits, dim=-1)


AttentionInterface.register(ATTENTION, attention_forward)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)  # without it left padding would be lost, silently
