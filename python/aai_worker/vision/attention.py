"""The attention function of vision towers, registered with transformers under the name "aai_vision".

It computes sdpa. Of a module that is watched it also tells how much attention every key receives, in blocks
of queries: a tower that packs an image into one sequence of 16384 patches has maps that fit no memory, and
many towers do not return theirs anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .reference import is_cls_mode

ATTENTION = "aai_vision"

# Weights of one block of queries: 256 MB in float32.
_BLOCK = 1 << 26


class _Watch(NamedTuple):
    modules: Mapping[str, nn.Module]  # by mode of the reference
    kept: slice | Tensor  # which tokens are patches
    received: dict[str, list[Tensor]]  # by mode


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watch_attention(
    modules: Mapping[str, nn.Module], kept: slice | Tensor
) -> Iterator[dict[str, list[Tensor]]]:
    """`modules`: the attention module to watch for each mode of the reference; the two modes may share one.

    Yields, by mode, one entry for each call of the module: what each patch received in it, [B, patches]
    float32, in the order of `kept`, which says what tokens of a call are patches. See `receive`.
    """
    received: dict[str, list[Tensor]] = {mode: [] for mode in modules}
    token = _watch.set(_Watch(modules, kept, received))
    try:
        yield received
    finally:
        _watch.reset(token)


def attention_forward(
    module: nn.Module,
    query: Tensor,  # [B, H, N, D]
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # [B, 1, N, N] bool, True = may attend, or float, added
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Output [B, N, H, D]."""
    watch = _watch.get()
    for mode, watched in watch.modules.items() if watch else ():
        if watched is module:
            watch.received[mode].append(  # type: ignore[union-attr]
                receive(query, key, attention_mask, scaling, watch.kept, mode)  # type: ignore[union-attr]
            )
    return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)


def receive(
    query: Tensor, key: Tensor, mask: Tensor | None, scaling: float | None, kept: slice | Tensor, mode: str
) -> Tensor:
    """Attention that each patch receives, mean over heads, summed over queries: [B, patches] float32.

    As `reference.reduce_attention` has it: other tokens than those `kept` neither give nor receive, and in
    the mode "corrected" what every query gives to patches is scaled to one in total. Of CLS alone, the first
    token, where the mode asks for it.
    """
    rows, heads, length, size = query.shape
    patches = torch.arange(length, device=query.device)[kept]
    givers = patches.new_zeros(1) if is_cls_mode(mode) else patches
    total = torch.zeros(rows, len(patches), device=query.device)
    for block in givers.split(max(1, _BLOCK // (rows * heads * length))):
        logits = (query[:, :, block] @ key.transpose(2, 3)).float()
        logits *= size**-0.5 if scaling is None else scaling
        if mask is not None:
            part = mask.expand(rows, 1, length, length)[:, :, block]
            logits = logits.masked_fill(~part, -torch.inf) if part.dtype == torch.bool else logits + part
        given = torch.softmax(logits, dim=-1).mean(dim=1)[..., patches]  # [B, block, patches]
        if mode == "corrected":
            given = given / given.sum(dim=-1, keepdim=True)
        total += given.sum(dim=1)
    return total


AttentionInterface.register(ATTENTION, attention_forward)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
