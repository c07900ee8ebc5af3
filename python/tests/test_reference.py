"""The vision reference equals its definition applied to transformers' own `output_attentions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import naive
import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from scipy import stats
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from aai_worker.engine import Engine
from aai_worker.models import Model
from aai_worker.protocol import ExtractVisionCommand, VisionReference
from aai_worker.vision.reference import Reference, describe_reference, normalise


def extract(
    engine: Engine, mode: str, image: int = 0
) -> tuple[VisionReference, np.ndarray, np.ndarray, np.ndarray]:
    command = ExtractVisionCommand(model="m1", image=image, mode=mode)  # type: ignore[arg-type]
    return engine.extract_vision(command, tiny.pictures(image + 1))


def attentions(oracle: tuple[Any, Any], image: int) -> tuple[Tensor, ...]:
    """Of every vision layer, [H, N, N]."""
    model, processor = oracle
    pixels = processor.image_processor(tiny.picture(image), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        return tuple(
            layer[0] for layer in model.model.vision_tower(pixels, output_attentions=True).attentions
        )


@pytest.mark.parametrize("image", range(3))
def test_seed_mode(image: int, engine: Engine, oracle: tuple[Any, Any]) -> None:
    summary, tokens, grid, _ = extract(engine, "released", image)

    last = attentions(oracle, image)[-1]
    expected = last.mean(dim=0)[1:, 1:].sum(dim=0).numpy()
    assert np.array_equal(tokens, expected)
    assert np.array_equal(grid, expected.reshape(4, 4))
    model, processor = oracle
    pixels = processor.image_processor(tiny.picture(image), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        assert tokens == pytest.approx(naive.seed_reference(model, pixels).numpy(), abs=1e-6)
    assert not summary.constant


def test_corrected_mode_reads_the_layer_that_the_decoder_sees(
    engine: Engine, oracle: tuple[Any, Any]
) -> None:
    summary, tokens, _, _ = extract(engine, "corrected")

    seen = attentions(oracle, 0)[1].mean(dim=0)[1:, 1:]  # three layers, feature layer -2
    expected = sum(query / query.sum() for query in seen)
    assert tokens == pytest.approx(expected.numpy(), abs=1e-6)
    assert summary.mean == pytest.approx(1, abs=1e-6)


def test_one_pass_for_features_and_both_references(engine: Engine, oracle: tuple[Any, Any]) -> None:
    model: Model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))
    with torch.inference_mode():
        model.encode_image(pixels, frozenset())  # transformers installs hooks of its own at first use
    before = count_hooks(model)
    calls = []
    hook = model.network.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        vision = model.encode_image(pixels, frozenset(["released", "corrected"]))
        without = model.encode_image(pixels, frozenset())
        expected = oracle[0].get_image_features(pixels.values).pooler_output[0]
    hook.remove()

    assert len(calls) == 2
    assert torch.equal(vision.features, expected) and torch.equal(without.features, expected)
    assert set(vision.references) == {"released", "corrected"} and without.references == {}
    assert count_hooks(model) == before, "none stays behind"


def count_hooks(model: Model) -> int:
    return sum(len(module._forward_hooks) for module in model.network.modules())


def test_a_constant_reference_is_reported(tmp_path: Path) -> None:
    """With its queries at zero, the last layer attends to everything alike."""

    def blind(model: LlavaForConditionalGeneration) -> None:
        last = model.model.vision_tower.encoder.layers[-1].self_attn
        last.q_proj.weight.zero_()
        last.q_proj.bias.zero_()

    engine = tiny.load(tiny.save_checkpoint(tmp_path, blind))
    seed, values, _, _ = extract(engine, "released")
    assert seed.constant and seed.flatness == pytest.approx(1)
    assert values == pytest.approx(16 / 17)  # each of the 16 patches gives 1/17 to each
    assert not extract(engine, "corrected")[0].constant

    rows = [tiny.row(tiny.aai()), tiny.row(tiny.aai(mode="corrected"))]
    summary = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), tokens=4).summary
    assert summary is not None
    assert [proof.constant_reference for proof in summary.attestation] == [True, False]


def test_statistics() -> None:
    values = torch.tensor([4, 1, 0.5, 2.5])
    summary = describe_reference("released", Reference(values, values))

    assert (summary.mean, summary.min, summary.max) == (2, 0.5, 4)
    assert summary.flatness == pytest.approx(stats.entropy(values.numpy()) / np.log(4), abs=1e-6)
    same = torch.full((9,), 0.3)
    assert describe_reference("released", Reference(same, same)).flatness == pytest.approx(1)
    one = torch.zeros(5)
    one[2] = 1
    assert describe_reference("released", Reference(one, one)).flatness == pytest.approx(0)


def test_normalisations() -> None:
    values = torch.tensor([0.5, 0.5, 0.1, 20.0, 0.2])
    assert normalise(values, "mean") == pytest.approx(values / values.mean(), abs=1e-6)
    assert normalise(values, "rank") == pytest.approx(stats.rankdata(values) / 6 * 2, abs=1e-6)
    clipped = (values / values.mean()).clamp(max=4)
    assert normalise(values, "clip") == pytest.approx(clipped / clipped.mean(), abs=1e-5)
    assert all(
        normalise(values, how).mean() == pytest.approx(1, abs=1e-5) for how in ("mean", "clip", "rank")
    )


def test_the_picture_is_what_the_tower_sees(engine: Engine, oracle: tuple[Any, Any]) -> None:
    _, _, _, picture = extract(engine, "released")

    processor = oracle[1].image_processor
    pixels = processor(tiny.picture(0), return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    seen = pixels * np.array(processor.image_std) + np.array(processor.image_mean)
    assert picture.dtype == np.uint8
    assert picture == pytest.approx(seen * 255, abs=0.01)
    Image.fromarray(picture)
