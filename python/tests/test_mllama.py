"""Llama 3.2 Vision where it differs: image keys in cross-attention layers, and none in the prompt.

Generation, AAI, capture and references against transformers and naive code: the family tests.
"""

from __future__ import annotations

from typing import Any

import families
import family_case
import numpy as np
import pytest
import tiny
import torch
from families import FAMILIES
from family_case import QUESTION, SAMPLES, Case, arrays, picture, tile_positions
from test_contrast import dola, sid
from test_opera import opera
from torch import Tensor

from aai_worker.errors import WorkerError
from aai_worker.kv.prefix import prefill
from aai_worker.protocol import AttentionEdit

TEXT = tiny.sample(QUESTION, image=None, template="chat")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return family_case.load("mllama", families.save(FAMILIES["mllama"], tmp_path_factory.mktemp("mllama")))


@torch.inference_mode()
def test_cross_keys_stand_as_in_the_picture(case: Case) -> None:
    """Patches row by row over the tiles, then CLS; what only pads the number of tiles is gone."""
    model, layer = case.model, case.oracle.model.language_model.layers[1].cross_attn
    for image, tiles in ((0, 4), (1, 3)):
        pixels = model.preprocess(picture(image))
        ids = model.tokenise(f"{model.marker}{QUESTION}", pixels)
        vision = model.encode_image(pixels, frozenset())
        (prefix,) = prefill(model, [model.embed(ids, vision)], [[]], lambda: False, lambda: None)
        places = [*tile_positions(case, image), *range(0, tiles * 17, 17)]
        keys = layer.k_norm(layer.k_proj(vision.features[places]).unflatten(-1, (2, -1)))
        assert len(places) == model.count_cross_keys(pixels) == prefix.cross_length == tiles * 17
        assert torch.allclose(prefix.keys[1], keys.transpose(0, 1), atol=1e-6)
        assert prefix.keys[0].shape[1] == prefix.length == len(ids) - 1


def test_rows_without_an_image_beside_others(case: Case, logits: list[Tensor]) -> None:
    """Cross layers leave them as they are, also where layers are counted from outside."""
    rows = [tiny.row(sample=0), tiny.row(sample=1), tiny.row(sample=2)]
    samples = [SAMPLES[0], TEXT, SAMPLES[1]]
    for contrast in (None, dola()):
        logits.clear()
        together = tiny.run(case.engine, samples, rows, arrays(), tokens=6, contrast=contrast)
        seen = torch.stack(logits, dim=1)
        for number in range(3):
            logits.clear()
            alone = tiny.run(case.engine, samples, [rows[number]], arrays(), tokens=6, contrast=contrast)
            assert together.ids(number) == alone.ids()
            assert torch.allclose(torch.stack(logits, dim=1)[0], seen[number], atol=1e-4, equal_nan=True)


def test_edits_act_in_cross_layers_alone(case: Case) -> None:
    edit = tiny.aai(alpha=0.5, layers=(0, families.LAYERS), warmup=-1)
    result = tiny.run(case.engine, SAMPLES[:1], [tiny.row(edit)], arrays(), tokens=4)
    assert result.summary is not None
    (proof,) = result.summary.attestation
    assert (proof.layers, proof.steps, proof.applications) == ([1, 3], 4, 8)


@pytest.mark.parametrize(
    ("edit", "sample", "message"),
    [
        (
            tiny.aai(layers=(2, 3)),
            0,
            "[2, 3) holds none of the layers that attend to the image; these are 1, 3.",
        ),
        (
            tiny.aai(image_keys=(60, 69)),
            0,
            "[60, 69) do not lie among the image's 68 keys",
        ),
        (tiny.pai(layers=(1, 2)), 1, "The prompt has no image token"),
    ],
)
def test_edits_that_could_not_act(edit: AttentionEdit, sample: int, message: str, case: Case) -> None:
    with pytest.raises(WorkerError) as caught:
        tiny.run(case.engine, [SAMPLES[0], TEXT], [tiny.row(edit, sample=sample)], arrays(), tokens=2)
    assert caught.value.code == "hook-unmatched"
    assert message in caught.value.message


def test_what_is_captured(case: Case) -> None:
    """The cross layers, with every tile's CLS or without."""
    captured = {}
    for keys in ("image", "all"):
        policy = tiny.capture(keys=keys)
        result = tiny.run(case.engine, SAMPLES[:1], [tiny.row()], arrays(), tokens=3, capture=policy)
        captured[keys] = [event.weights for event in result.attention[0]]
        assert [event.body.layers for event in result.attention[0]] == [[1, 3]] * 3
    for image, every in zip(captured["image"], captured["all"], strict=True):
        assert (image.shape[-1], every.shape[-1]) == (64, 68)
        assert np.array_equal(image, every[..., :64])
        assert every.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    with pytest.raises(WorkerError, match=r"layer 2: .* attends to the image in layers 1, 3 alone"):
        policy = tiny.capture(layers=[1, 2])
        tiny.run(case.engine, SAMPLES[:1], [tiny.row()], arrays(), tokens=3, capture=policy)


def test_methods_that_look_for_image_tokens_in_the_prompt(case: Case) -> None:
    with pytest.raises(WorkerError, match="OPERA rewards attention to image tokens among a prompt's"):
        tiny.run(case.engine, SAMPLES[:1], [tiny.row()], arrays(), search=opera())
    with pytest.raises(WorkerError, match="sid hides image tokens among a prompt's"):
        tiny.run(case.engine, SAMPLES[:1], [tiny.row()], arrays(), contrast=sid())


def test_the_picture_is_the_tiles_put_together(case: Case) -> None:
    _, _, grid, seen = family_case.extract(case, 0, "released")
    processed: dict[str, Any] = dict(case.processor(picture(0), return_tensors="pt", do_rescale=False))
    raw = case.processor(picture(0), return_tensors="pt", do_rescale=False, do_normalize=False)
    assert grid.shape == (8, 8) and seen.shape == (16, 16, 3) and int(processed["num_tiles"][0][0]) == 4
    for tile, (top, left) in enumerate([(0, 0), (0, 8), (8, 0), (8, 8)]):
        expected = raw["pixel_values"][0, 0, tile].permute(1, 2, 0).numpy().astype(np.uint8)
        assert np.array_equal(seen[top : top + 8, left : left + 8], expected)
