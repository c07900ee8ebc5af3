"""The decoder's attention function, registered with transformers under the name "aai".

The keyword arguments `shared_prefix` and `attention_step` of `model.forward` say which prompts a decoding
step attends to and what is done to its attention. The model hands them down to every attention module;
nothing is kept on a module. Without `shared_prefix`, in a prefill, the function is transformers' own sdpa
function, which `prompt_step` may change.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .capped import cap, capped_attention
from .prefill import PromptLayer, PromptStep
from .shared_prefix import SharedPrefix, join_logits, join_values

ATTENTION = "aai"


class Intervention(Protocol):
    """A change of attention logits."""

    def apply(self, layer: int, logits: Tensor) -> Tensor:
        """Edits pre-softmax logits [R, Hkv, G, K] float32 of the step's only query, in place or in a copy."""
        ...


class Observer(Protocol):
    """Somebody who is given attention weights, on the layer's device."""

    @property
    def layers(self) -> Collection[int]:
        """The decoder layers whose weights it is given."""
        ...

    def record(self, layer: int, weights: Tensor) -> None:
        """Takes one layer's softmaxed weights, [R, Hq, K] float32."""
        ...


class AttentionStep(NamedTuple):
    """What happens to the attention of one decoding step of all rows: who edits it and who is given it."""

    intervention: Intervention
    observer: Observer | None


def attention_forward(
    module: nn.Module,
    query: Tensor,  # [R, Hq, 1, D]; in a prefill [B, Hq, Q, D], all queries of the prompts
    key: Tensor,  # [R, Hkv, T, D], the keys of each row's own tokens
    value: Tensor,  # [R, Hkv, T, D]
    attention_mask: Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    attention_step: AttentionStep | None = None,
    shared_prefix: SharedPrefix | None = None,
    prompt_step: PromptStep | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """The attention's output, [R, 1, Hq, D]. An observer without an edit leaves it as it is, bit for bit."""
    layer: int = module.layer_idx  # type: ignore[assignment]
    if shared_prefix is None:

        def plain(mask: Tensor | None) -> Tensor:
            if softcap is not None:
                return capped_attention(query, key, value, mask, scaling, softcap)
            return sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, **kwargs)[0]

        if prompt_step is None:
            return plain(attention_mask), None
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        step = PromptLayer(layer, query, key, value, attention_mask, scale, softcap, plain)
        return prompt_step.attend(step), None
    prefix = shared_prefix.at(layer)
    rows, heads, _, size = query.shape
    # Heads that share a key are grouped, so that keys need no copies.
    grouped = query.reshape(rows, key.shape[1], -1, size)
    # Edits are computed in float32, so that |x| * r keeps its digits under half precision.
    logits = join_logits(grouped, key, prefix).float()
    logits *= size**-0.5 if scaling is None else scaling  # [R, Hkv, G, P + T]
    if softcap is not None:
        logits = cap(logits, softcap)  # Capped before the edit, which acts on what the softmax gets.
    if attention_step is not None:
        logits = attention_step.intervention.apply(layer, logits)
    if prefix.mask is not None:  # Masked after the edit, so that a masked key stays masked.
        logits.masked_fill_(~prefix.mask, -torch.inf)
    weights = torch.softmax(logits, dim=-1)
    if prefix.blind is not None:
        weights.masked_fill_(prefix.blind, 0)
    observer = None if attention_step is None else attention_step.observer
    if observer is not None and layer in observer.layers:
        observer.record(layer, weights.flatten(1, 2))
    output = join_values(weights.to(value.dtype), value, prefix)  # [R, Hkv, G, D]
    return output.reshape(rows, 1, heads, size), None


AttentionInterface.register(ATTENTION, attention_forward)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)  # Without it prefills would silently not be causal.
