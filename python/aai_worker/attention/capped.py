"""Attention whose logits are capped (Gemma 2), which transformers' sdpa function does not compute."""

from __future__ import annotations

import torch
from torch import Tensor


def cap(logits: Tensor, most: float) -> Tensor:
    """Squeezed smoothly into (-most, most)."""
    return most * torch.tanh(logits / most)


def capped_attention(
    query: Tensor,  # [B, Hq, Q, D]
    key: Tensor,  # [B, Hkv, Q, D]
    value: Tensor,
    mask: Tensor | None,  # [B, 1, Q, Q] bool, True = may attend; None = causal
    scaling: float | None,
    softcap: float,
) -> Tensor:
    """Of a prefill: [B, Q, Hq, D]."""
    length, size = query.shape[2:]
    if mask is None:
        mask = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()[None, None]
    grouped = query.unflatten(1, (key.shape[1], -1))  # [B, Hkv, G, Q, D]
    logits = (grouped @ key[:, :, None].transpose(3, 4)).float()
    logits = cap(logits * (size**-0.5 if scaling is None else scaling), softcap)
    weights = torch.softmax(logits.masked_fill(~mask[:, :, None], -torch.inf), dim=-1)
    return (weights.to(value.dtype) @ value[:, :, None]).flatten(1, 2).transpose(1, 2)
