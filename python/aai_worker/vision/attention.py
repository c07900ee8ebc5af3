"""The attention function of vision towers, registered with transformers under the name "aai_vision".

It computes sdpa. For a watched module it also sums how much attention every patch receives, in blocks of
queries: the attention map of a tower that packs an image into one sequence of 16384 patches would fit no
memory, and many towers do not return their maps.
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

# The number of attention weights in one block of queries: 256 MB in float32.
_BLOCK = 1 << 26


class _Watch(NamedTuple):
    """What `attention_forward` watches."""

    modules: Mapping[str, nn.Module]  # by mode, the module that the reference is made of
    kept: slice | Tensor  # the tokens that are patches: a slice, or their indices [patches] int64
    received: dict[str, list[Tensor]]  # by mode, one entry [B, patches] float32 per call of the module


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watch_attention(
    modules: Mapping[str, nn.Module], kept: slice | Tensor
) -> Iterator[dict[str, list[Tensor]]]:
    """Watches, for each mode of the reference, one of `modules`; modes may share a module.

    Yields a dict that holds, by mode, one entry for each call of the module: the attention that each patch
    received in it, [B, patches] float32, in the order of `kept`, the tokens that are patches. See `receive`.
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
    key: Tensor,  # [B, H, N, D]
    value: Tensor,  # [B, H, N, D]
    attention_mask: Tensor | None,  # [B, 1, N, N]: bool, True = may attend, or float, added to logits
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """The attention's output, [B, N, H, D]."""
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
    """The attention that each patch receives: mean over heads, sum over queries, [B, patches] float32.

    As in `reference.reduce_attention`, tokens that are not in `kept` neither give nor receive, and in the
    mode "corrected" what each query gives to all patches is scaled to one in total. In a mode of `cls_mode`
    the only query is CLS, the first token.
    """
    rows, heads, length, size = query.shape
    patches = torch.arange(length, device=query.device)[kept]
    queries = patches.new_zeros(1) if is_cls_mode(mode) else patches
    total = torch.zeros(rows, len(patches), device=query.device)
    for block in queries.split(max(1, _BLOCK // (rows * heads * length))):
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
