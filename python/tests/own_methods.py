"""A plug-in file: built-in methods once more, as a user would write them."""

from typing import Literal

import torch
from torch import Tensor

from aai_worker.plugins import attention, contrast

seen: list[tuple[int, int]] = []


@attention
def own_pai(x: Tensor, *, alpha: float = 0.5) -> Tensor:
    """x + alpha * |x|, as PAI."""
    return x + alpha * x.abs()


@attention
def own_hgai(x: Tensor, *, alpha: float) -> Tensor:
    return x + alpha * x.abs().mean(dim=(0, 1))


@attention
def own_aai(x: Tensor, reference: Tensor, *, alpha: float = 0.3, beta: float = 1) -> Tensor:
    reference *= alpha
    return reference * x.abs() + beta * x


@attention
def watch(x: Tensor, generated: int, layer: int, *, in_place: bool = False) -> Tensor:
    """Notes when and where it is called.

    And changes nothing.
    """
    seen.append((layer, generated))
    if in_place:
        x += 0
    return x


def plausible(logits: Tensor, main: Tensor, beta: float) -> Tensor:
    return logits.masked_fill(main < main.max() + torch.tensor(beta).log(), -torch.inf)


@contrast(stream="imageFree")
def own_m3id(main: Tensor, other: Tensor, generated: int, *, decay: float = 0.1) -> Tensor:
    gain = main.log_softmax(dim=0) - other.log_softmax(dim=0)
    return plausible(main + torch.expm1(decay * torch.tensor(generated + 1)) * gain, main, 0.1)


@contrast(stream="imageFree")
def own_pai_cfg(main: Tensor, other: Tensor, *, gamma: float = 1.5) -> Tensor:
    gain = main.log_softmax(dim=0) - other.log_softmax(dim=0)
    return plausible(main + (gamma - 1) * gain, main, 0.1)


@contrast(stream="noisyImage")
def own_vcd(main: Tensor, other: Tensor, *, alpha: float = 1.0, cut: bool = True) -> Tensor:
    logits = (1 + alpha) * main - alpha * other
    return plausible(logits, main, 0.1) if cut else logits


@contrast
def own_apc(
    main: Tensor, *, beta: float = 0.1, how: Literal["keep", "drop"] = "drop", most: int = 9
) -> Tensor:
    return plausible(main, main, beta) if how == "drop" else main
