"""The vision reference: how much attention each image token receives inside the vision tower (methods: AAI).

Two modes of AAI. `released` reproduces its reference implementation: the tower's last layer, heads averaged,
CLS row and column dropped without renormalising, summed over queries. `corrected` is what was meant: the
layer whose output the decoder really sees, and rows renormalised after CLS is dropped, so that every patch
hands out one in total and none loses weight for looking at CLS.

Other methods ask what the CLS token attends to in a layer: mode `cls_mode(layer)`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import WorkerError
from ..protocol import TokenGrid, VisionReference


class Reference(NamedTuple):
    """Not yet normalised, float32 on the CPU."""

    tokens: Tensor  # [image tokens], as the decoder sees them
    grid: Tensor  # [rows, columns], the tower's patches of the whole image
    whole: TokenGrid | None = None  # which tokens show the whole image, row by row; None: they have no places


def cls_mode(layer: int) -> str:
    """Of the attention that CLS pays to each patch in this layer of the tower; -1 is the last one."""
    return f"cls {layer}"


def is_cls_mode(mode: str) -> bool:
    return mode.startswith("cls ")


def find_layer(mode: str, layers: int, feature_layer: int) -> int:
    """The tower's layer that a reference is made of. `feature_layer`: as in configurations, 0 = embedding.

    Released: the last of all layers. Corrected: that whose output the decoder sees.
    """
    if is_cls_mode(mode):
        return int(mode.removeprefix("cls ")) % layers
    if mode == "released":
        return layers - 1
    return layers + feature_layer if feature_layer < 0 else max(feature_layer - 1, 0)


def reduce_attention(weights: Tensor, first: int, mode: str) -> Tensor:
    """Attention each token receives, [H, N, N] -> [N - first]: `first` leading tokens (CLS) are dropped."""
    if is_cls_mode(mode):
        return weights.float().mean(dim=0)[0, first:].cpu()
    mean = weights.float().mean(dim=0)[first:, first:]  # [query, key]
    if mode == "corrected":
        # Heads first, rows second: a head that mostly looks at CLS says little about the patches.
        mean = mean / mean.sum(dim=-1, keepdim=True)
    return mean.sum(dim=0).cpu()


def describe_reference(mode: str, reference: Reference) -> VisionReference:
    values = reference.tokens.double()
    if not values.isfinite().all():
        raise WorkerError(
            "not-finite",
            "The vision tower's attention is not finite (NaN or infinite): load the model in bfloat16 or "
            "float32; where that changes nothing, its weights are damaged.",
        )
    return VisionReference(
        mode=mode,  # type: ignore[arg-type]
        mean=float(values.mean()),
        min=float(values.min()),
        max=float(values.max()),
        flatness=_flatness(values),
        constant=is_constant(values),
        token_grid=reference.whole,
    )


def is_constant(values: Tensor) -> bool:
    """All values agree to 1e-4 of their mean: such a reference aligns with nothing."""
    return bool(values.max() - values.min() <= 1e-4 * values.mean().abs())


def _flatness(values: Tensor) -> float:
    """Entropy of the values as a distribution, over that of a uniform one."""
    if len(values) == 1 or not values.abs().sum() > 0:
        return 1.0
    share = values.abs() / values.abs().sum()
    return float(torch.special.entr(share).sum()) / math.log(len(values))


def normalise(values: Tensor, how: str) -> Tensor:
    """[image tokens] -> r of the AAI formula, float32, non-negative, about 1 on average."""
    values = values.float()
    if how == "mean":  # as the reference implementation: |ref / (mean + 1e-8)|
        return (values / (values.mean() + 1e-8)).abs()
    if how == "clip":  # a few register patches can carry most of the attention: none counts more than 4 fold
        clipped = (values / (values.mean() + 1e-8)).abs().clamp(max=4.0)
        return clipped / (clipped.mean() + 1e-8)
    if how == "rank":  # only the order counts; equal values share a rank
        below = (values[None, :] < values[:, None]).sum(dim=1)
        ties = (values[None, :] == values[:, None]).sum(dim=1)
        rank = below + (ties + 1) / 2  # 1 ... N
        return rank / (len(values) + 1) * 2
    raise WorkerError("bad-input", f'There is no normalisation "{how}"; known are mean, clip, rank.')
