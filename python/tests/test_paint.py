"""PAINT: a worked vector, and the whole recomputed from transformers' own vision tower without any cache."""

from __future__ import annotations

from typing import Any

import families
import naive
import pytest
import tiny
import torch
from family_case import SAMPLES, arrays
from test_aai import embed
from torch import Tensor

from aai_worker.attention import METHODS, RowEdit
from aai_worker.attention.paint import find_weights
from aai_worker.engine import Engine
from aai_worker.errors import WorkerError


class Paint:
    """As `naive.Pai`, patch by patch, from the attention maps of the tower."""

    warmup = -1

    def __init__(
        self, model: Any, pixels: Tensor, alpha: float, beta: float, layers: tuple[int, int]
    ) -> None:
        self.layers = layers
        maps = model.model.vision_tower(pixels, output_attentions=True).attentions
        first, late = (maps[index][0, :, 0, 1:].sum(dim=0).tolist() for index in (0, -2))
        order = sorted(range(len(first)), key=lambda patch: -first[patch])
        self.weights = [0.0] * len(first)
        for patch in order[: len(first) // 4]:
            self.weights[patch] = alpha
        low, high = (percentile(late, share) for share in (0.25, 0.75))
        for patch, value in enumerate(late):
            if value > high + 1.5 * (high - low):
                self.weights[patch] = beta

    def change(self, x: Tensor, keys: list[int], r: Tensor) -> None:
        for key, weight in zip(keys, self.weights, strict=True):
            x[:, key] += weight * x[:, key].abs()


def percentile(values: list[float], share: float) -> float:
    """Linear between the two nearest, as numpy's."""
    ordered = sorted(values)
    place = share * (len(values) - 1)
    below = int(place)
    return ordered[below] + (place - below) * (ordered[min(below + 1, len(values) - 1)] - ordered[below])


def test_worked_vector() -> None:
    """Of eight patches the local ones are 1 and 6, the only summary is 6: it has beta."""
    first = torch.tensor([1.0, 9, 2, 3, 4, 5, 8, 6])
    late = torch.tensor([1.0, 2, 1, 2, 1, 2, 9, 1])
    weights = find_weights(tiny.paint(0.5, 0.25).parameters, [first, late])
    assert weights.tolist() == [0, 0.5, 0, 0, 0, 0, 0.25, 0]
    edit = RowEdit(
        tiny.paint().parameters, None, frozenset(), torch.arange(1, 9), 99, weights, constant=False
    )
    x = torch.tensor([[[[7.0, 1, 2, -2, 1, 1, 1, -4, 3, 5]]]])
    edited = METHODS["paint"]([edit], [edit.positions])(x.clone())
    assert edited.flatten().tolist() == [7, 1, 3, -2, 1, 1, 1, -3, 3, 5]


@pytest.mark.parametrize("image", range(3))
def test_equals_the_naive_implementation(
    image: int, engine: Engine, oracle: tuple[Any, Any], logits: list[Tensor]
) -> None:
    model, processor = oracle
    layers = (1, 3)
    pixels = processor.image_processor(tiny.picture(image), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        prompt, keys, reference = embed(oracle, "<image>\nWhat?", image)
        edit = Paint(model, pixels, 1.4, 0.8, layers)
        tokens, expected = naive.greedy(model, prompt, keys, reference, [edit], count=8)
        _, plain = naive.greedy(model, prompt, keys, reference, [], count=1)
    rows = [tiny.row(tiny.paint(1.4, 0.8, layers)), tiny.row()]
    samples = [tiny.sample("<image>\nWhat?", image=image)]
    result = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=8)
    assert result.ids(0) == tokens
    assert (torch.stack(logits)[:, 0] - expected).abs().max() < 1e-5
    assert (expected[0] - plain[0]).abs().max() > 1e-3, "the first token is edited already"
    assert len(set(edit.weights)) > 1


def test_both_ways_of_seeing_the_tower_agree(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Towers that return no maps are read block by block: their tiles' CLS rows are those of the maps."""
    folder = families.save(families.FAMILIES["llava_next"], tmp_path_factory.mktemp("llava_next"))
    engine = tiny.load(folder)
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0, 40, 24))
    with torch.inference_mode():
        vision = model.encode_image(pixels, frozenset(["cls 0", "cls -2"]))
        tower = model.network.model.vision_tower
        tower.set_attn_implementation("eager")
        values = pixels.values.flatten(0, -4)
        maps = tower(values.to(model.dtype), output_attentions=True).attentions
        for mode, layer in (("cls 0", 0), ("cls -2", -2)):
            grid = vision.references[mode].grid
            whole = maps[layer][0].mean(dim=0)[0, 1:].reshape(grid.shape)
            assert torch.allclose(grid, whole, atol=1e-5)


def test_towers_without_cls_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = families.save(families.FAMILIES["qwen2_vl"], tmp_path_factory.mktemp("qwen2_vl"))
    with pytest.raises(WorkerError, match="paint reads what the vision encoder's CLS token attends to"):
        tiny.run(tiny.load(folder), SAMPLES[:1], [tiny.row(tiny.paint())], arrays())


def test_a_reference_of_ones_own_is_refused(engine: Engine) -> None:
    edit = tiny.paint()
    with pytest.raises(WorkerError, match="paint takes no vision reference; leave it out"):
        given = type(edit)(parameters=edit.parameters, reference=0)
        array = torch.ones(tiny.IMAGE_TOKENS).numpy()
        tiny.run(engine, [tiny.sample(image=None)], [tiny.row(given)], [array])
