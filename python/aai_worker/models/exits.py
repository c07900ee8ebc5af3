"""Early exits: what a decoder would say after fewer layers than it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import WorkerError

# What transformers' decoders call the norm behind their last layer: LLaMA and most others; OPT and GPT-NeoX;
# Phi and Persimmon; GPT-J.
_FINAL_NORMS = ("norm", "final_layer_norm", "final_layernorm", "ln_f")


@contextmanager
def early_exits(decoder: Any, layers: Sequence[int], normed: bool) -> Iterator[None]:
    """Steps of one token, with `output_hidden_states`, have logits [R, 1 + exits, V] meanwhile.

    `decoder`: a network with an LM head. What the head makes of the states after so many layers (0 = the
    embedding) stands behind the logits as if these were tokens, so it goes through all that the network does
    to logits: Gemma 2 caps them, Cohere scales them. `normed`: the states pass the final norm first.
    """
    body, head = decoder.get_decoder(), decoder.get_output_embeddings()
    norm = final_norm(body) if normed else nn.Identity()
    states = torch.empty(0)

    def collect(module: nn.Module, arguments: Any, output: Any) -> None:
        nonlocal states
        device = output.last_hidden_state.device
        states = torch.cat([output.hidden_states[layer].to(device) for layer in layers], dim=1)

    def append(module: nn.Module, arguments: Any, output: Tensor) -> Tensor:
        exits = module.forward(
            norm(states)
        )  # not together with the last state, whose logits stay bit for bit
        return torch.cat([output, exits], dim=1)

    hooks = [body.register_forward_hook(collect), head.register_forward_hook(append)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def final_norm(body: nn.Module) -> nn.Module:
    """That of a decoder without its LM head."""
    for name in _FINAL_NORMS:
        norm = getattr(body, name, None)
        if isinstance(norm, nn.Module):
            return norm
    raise WorkerError(
        "bad-input",
        f"No final norm is known of this decoder ({type(body).__name__}), which DeCo's early exits pass; "
        "DoLa's do not.",
    )
