"""Images of every size on every family."""

from __future__ import annotations

from pathlib import Path

import families
import family_case
import pytest
import tiny
import torch
from families import CROSS, FAMILIES
from family_case import SAMPLES, Case, arrays, generated, picture

from aai_worker.contrast.vcd import add_noise

pytestmark = pytest.mark.slow

case = family_case.case  # the fixture


@pytest.mark.parametrize("size", [(64, 64), (12, 12), (9, 61), (61, 9), (150, 10), (33, 47), (640, 480)])
@torch.inference_mode()
def test_images_of_any_size(size: tuple[int, int], case: Case) -> None:
    """As many tokens as transformers asks for, as many features, and a value for each patch."""
    image = tiny.picture(0, *size)
    model = case.model
    pixels = model.preprocess(image)
    processed = dict(case.processor(image, return_tensors="pt", **case.family.options))
    text = case.family.expand(processed, model.network.config)
    assert model.tokenise(f"{case.family.chat}Why?", pixels) == case.tokenizer(f"{text}Why?")["input_ids"]

    ids = model.tokenise(f"{case.family.chat}Why?", pixels)
    vision = model.encode_image(pixels, frozenset(["released"]))
    expected = model.count_image_tokens(pixels)
    assert ids.count(model.image_token_id) == (1 if case.name in CROSS else expected)
    assert len(vision.features) == (4 * 17 if case.name in CROSS else expected)
    assert len(model.image_positions(ids, pixels)) == len(vision.references["released"].tokens)
    assert vision.references["released"].grid.shape == model.patch_grid(pixels)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (301, 1), (2, 3), (1, 30)])
def test_odd_images(size: tuple[int, int], case: Case) -> None:
    """They are described, or refused with a sentence, and their neighbour is none the worse."""
    images = [tiny.frame(tiny.encode(tiny.picture(0, *size))), arrays()[1]]
    result = tiny.run(case.engine, SAMPLES, [tiny.row(sample=0), tiny.row(sample=1)], images, tokens=3)
    assert result.ids(1) == generated(case, 1)[:3]
    fault = result.rows[0].fault
    assert len(result.ids(0)) == 3 if fault is None else fault.code == "bad-image"


def test_an_image_of_one_token(tmp_path: Path) -> None:
    """transformers' Mistral 3 takes none."""
    engine = tiny.load(families.save(FAMILIES["mistral3"], tmp_path))
    images = [tiny.frame(tiny.encode(tiny.picture(0, 8, 6)))]
    fault = tiny.run(engine, SAMPLES[:1], [tiny.row()], images).rows[0].fault
    assert fault is not None and fault.code == "bad-image"
    assert fault.message.startswith("The 8 x 6 image makes one image token only")


def test_noise_is_of_the_image_not_of_its_frames(case: Case) -> None:
    """Qwen's towers see an image as a film of two frames; a noisy one is a still all the same."""
    values = case.model.preprocess(picture(0)).values
    noisy = add_noise(values, 500, seed=1)
    still = case.model.repeat_first_frame(noisy)
    assert torch.equal(case.model.repeat_first_frame(values), values)
    if "image_grid_thw" not in case.inputs(0):
        assert torch.equal(still, noisy)
        return
    frames = still.reshape(len(values), 3, 2, 4 * 4)  # channel, frame, pixel
    assert torch.equal(frames[:, :, 0], frames[:, :, 1])
    assert torch.equal(frames[:, :, 0], noisy.reshape(len(values), 3, 2, 4 * 4)[:, :, 0])
