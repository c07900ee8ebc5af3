"""The vision reference: how much attention each image token receives inside the vision tower (methods: AAI).

AAI has two modes. `released` reproduces its reference implementation: the attention of the tower's last
layer, averaged over heads, without the row and column of CLS, not renormalised, summed over queries.
`corrected` is what was meant: the layer is the one whose output the decoder sees, and rows are renormalised
after CLS is dropped, so that every patch gives one in total and none counts less because it attends to CLS.

Other methods need what the CLS token attends to in a layer. Their mode is `cls_mode(layer)`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import WorkerError
from ..protocol import TokenGrid, VisionReference


class Reference(NamedTuple):
    """A vision reference before it is normalised, in float32 on the CPU."""

    tokens: Tensor  # [image tokens], one value per token in the decoder's order
    grid: Tensor  # [rows, columns], one value per patch of the whole image
    # The tokens that show the whole image, row by row; None where tokens have no place in it.
    whole: TokenGrid | None = None


def cls_mode(layer: int) -> str:
    """The mode of what CLS attends to, patch by patch, in this layer of the tower; -1 is the last one."""
    return f"cls {layer}"


def is_cls_mode(mode: str) -> bool:
    return mode.startswith("cls ")


def find_layer(mode: str, layers: int, feature_layer: int) -> int:
    """The layer, from 0, that the reference of a mode is made of, in a tower of so many `layers`.

    `feature_layer` counts as in configurations: 0 is the embedding, 1 the first layer, -1 the last. In the
    mode "released" the layer is the last one, in "corrected" the one whose output the decoder sees.
    """
    if is_cls_mode(mode):
        return int(mode.removeprefix("cls ")) % layers
    if mode == "released":
        return layers - 1
    return layers + feature_layer if feature_layer < 0 else max(feature_layer - 1, 0)


def reduce_attention(weights: Tensor, first: int, mode: str) -> Tensor:
    """The attention that each token receives, [N - first] float32 on the CPU, from weights [H, N, N].

    The `first` leading tokens, CLS, are dropped. In a mode of `cls_mode` only the query CLS counts.
    """
    if is_cls_mode(mode):
        return weights.float().mean(dim=0)[0, first:].cpu()
    mean = weights.float().mean(dim=0)[first:, first:]  # [query, key]
    if mode == "corrected":
        # Heads are averaged before rows are scaled, as a head that mostly attends to CLS says little here.
        mean = mean / mean.sum(dim=-1, keepdim=True)
    return mean.sum(dim=0).cpu()


def describe_reference(mode: str, reference: Reference) -> VisionReference:
    """The reference's figures for a caller. Raises WorkerError where a value is not finite."""
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
    """Whether all values agree to 1e-4 of their mean; such a reference aligns attention with nothing."""
    return bool(values.max() - values.min() <= 1e-4 * values.mean().abs())


def _flatness(values: Tensor) -> float:
    """The entropy of the values as a distribution, divided by that of the uniform one: 0 to 1."""
    if len(values) == 1 or not values.abs().sum() > 0:
        return 1.0
    share = values.abs() / values.abs().sum()
    return float(torch.special.entr(share).sum()) / math.log(len(values))


def normalise(values: Tensor, how: str) -> Tensor:
    """r of AAI's formula, [image tokens] float32, not negative and about 1 on average. Raises WorkerError."""
    values = values.float()
    if how == "mean":  # |ref / (mean + 1e-8)|, as in AAI's reference implementation
        return (values / (values.mean() + 1e-8)).abs()
    if how == "clip":  # A few register patches can get most attention; none may exceed 4 times the mean.
        clipped = (values / (values.mean() + 1e-8)).abs().clamp(max=4.0)
        return clipped / (clipped.mean() + 1e-8)
    if how == "rank":  # Only the order counts; equal values share a rank.
        below = (values[None, :] < values[:, None]).sum(dim=1)
        ties = (values[None, :] == values[:, None]).sum(dim=1)
        rank = below + (ties + 1) / 2  # 1 ... N
        return rank / (len(values) + 1) * 2
    raise WorkerError("bad-input", f'There is no normalisation "{how}"; known are mean, clip, rank.')
