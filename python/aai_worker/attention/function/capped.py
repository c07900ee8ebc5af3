"""Attention with soft-capped logits (Gemma 2, arXiv 2408.00118), which transformers' sdpa does not offer."""

from __future__ import annotations

import torch
from torch import Tensor


def cap(logits: Tensor, most: float) -> Tensor:
    """most * tanh(logits / most): the logits, squeezed smoothly into (-most, most)."""
    return most * torch.tanh(logits / most)


def capped_attention(
    query: Tensor,  # [B, Hq, Q, D]
    key: Tensor,  # [B, Hkv, Q, D]
    value: Tensor,
    mask: Tensor | None,  # [B, 1, Q, Q] bool, True = may attend; None = causal
    scaling: float | None,
    softcap: float,
) -> Tensor:
    """The output of a prefill's attention, [B, Q, Hq, D] in the dtype of `value`."""
    length, size = query.shape[2:]
    if mask is None:
        mask = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()[None, None]
    grouped = query.unflatten(1, (key.shape[1], -1))  # [B, Hkv, G, Q, D]
    logits = (grouped @ key[:, :, None].transpose(3, 4)).float()
    logits = cap(logits * (size**-0.5 if scaling is None else scaling), softcap)
    weights = torch.softmax(logits.masked_fill(~mask[:, :, None], -torch.inf), dim=-1)
    return (weights.to(value.dtype) @ value[:, :, None]).flatten(1, 2).transpose(1, 2)
