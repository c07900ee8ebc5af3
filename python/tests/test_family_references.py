"""The vision reference of every family: what patches receive, and where it goes among the image tokens."""

from __future__ import annotations

from pathlib import Path

import families
import family_case
import numpy as np
import pytest
import torch
from families import CROSS
from family_case import (
    NAIVE,
    Case,
    extract,
    patch_positions,
    picture,
    reference,
    tile_positions,
    vision_inputs,
)
from torch import Tensor
from transformers import AutoModelForImageTextToText

pytestmark = pytest.mark.slow

case = family_case.case  # the fixture


@torch.inference_mode()
def attention_received(case: Case, image: int, layer: int, renormalised: bool) -> Tensor:
    """[sequences, patches], from whole maps [H, N, N] of transformers' own tower under naive attention."""
    NAIVE.vision = {}
    kept: slice | list[int] = slice(int(case.model.has_cls), None)  # type: ignore[attr-defined]
    if case.name in CROSS:
        kept = tile_positions(case, image, tokens=24)  # padded
        case.oracle.model.vision_model(**vision_inputs(case, image))
    else:
        case.oracle.get_image_features(**vision_inputs(case, image))
    received = []
    for one in list(NAIVE.vision.values())[layer]:
        mean = one.mean(dim=0)[kept][:, kept]
        received.append(sum(row / row.sum() if renormalised else row for row in mean))
    if "image_grid_thw" in case.inputs(image):  # one sequence, perhaps in windows
        return torch.cat(received)[None]
    return torch.stack(received)  # tiles


@pytest.mark.parametrize("image", [0, 1])
@pytest.mark.parametrize("mode", ["released", "corrected"])
def test_the_reference_is_the_attention_that_patches_receive(mode: str, image: int, case: Case) -> None:
    tokens, grid, seen = reference(case, image, mode)
    pixels = case.model.preprocess(picture(image))
    layer = case.model.reference_layer(mode)  # type: ignore[attr-defined]
    received = attention_received(case, image, layer, renormalised=mode == "corrected")
    expected = case.model.map_reference(received, pixels)  # type: ignore[attr-defined]

    assert tokens == pytest.approx(expected.tokens.numpy(), rel=1e-3, abs=1e-5)
    assert grid == pytest.approx(expected.grid.numpy(), rel=1e-3, abs=1e-5)
    assert len(tokens) == len(patch_positions(case, image))
    assert received.sum() == pytest.approx(received.numel(), rel=1e-4) or mode == "released"
    assert grid.shape == case.model.patch_grid(pixels)  # type: ignore[attr-defined]
    assert (seen.shape[0] / grid.shape[0]) == (seen.shape[1] / grid.shape[1]) and seen.dtype == np.uint8


@pytest.mark.parametrize("image", [0, 1])
def test_the_tokens_of_the_whole_image_lie_on_its_patches(image: int, case: Case) -> None:
    """Squares of patches make a token, wherever the family has it among the image tokens."""
    summary, tokens, grid, _ = extract(case, image, "released")
    whole = summary.token_grid
    assert whole is not None
    size = grid.shape[0] // whole.rows
    assert grid.shape == (size * whole.rows, size * whole.columns)
    mine = tokens[whole.first : whole.first + whole.rows * whole.columns].reshape(whole.rows, whole.columns)
    for row in range(whole.rows):
        for column in range(whole.columns):
            square = grid[row * size : (row + 1) * size, column * size : (column + 1) * size]
            assert mine[row, column] == pytest.approx(square.mean(), rel=1e-5)


@pytest.mark.parametrize("image", [0, 1])
@torch.inference_mode()
def test_the_reference_goes_where_the_features_go(image: int, case: Case, tmp_path: Path) -> None:
    """With projectors that only take means, transformers brings one channel of the tower's output to the
    image tokens: through windows, merges, shuffles, stitching, padding. A reference of these values follows.
    """
    if case.name in CROSS:
        pytest.skip("its features are keys of layers of their own: test_mllama.py")
    case.oracle.save_pretrained(tmp_path)
    network = AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    case.family.flatten(network)
    seen = network.get_image_features(
        **vision_inputs(case, image), output_hidden_states=True, return_dict=True
    )
    features = torch.cat(list(seen.pooler_output)).reshape(-1, families.HIDDEN)[:, 0]
    layer = getattr(network.config, "vision_feature_layer", None)
    channel = (seen.last_hidden_state if layer is None else seen.hidden_states[layer])[..., 0]
    channel = channel[None] if channel.dim() == 1 else channel[:, int(case.model.has_cls) :]  # type: ignore[attr-defined]
    pixels = case.model.preprocess(picture(image))
    tokens = case.model.map_reference(channel, pixels).tokens  # type: ignore[attr-defined]

    ids = case.inputs(image)["input_ids"][0]
    run = (ids == case.oracle.config.image_token_id).nonzero().flatten().tolist()
    keys = [run.index(position) for position in patch_positions(case, image)]
    assert tokens == pytest.approx(features[keys].numpy(), rel=1e-4, abs=1e-5)
    assert case.model.image_positions(ids.tolist(), pixels) == patch_positions(case, image)
    assert len(set(tokens.tolist())) == len(tokens)
