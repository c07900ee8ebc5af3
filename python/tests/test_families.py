"""Every family, on a tiny checkpoint, against transformers and against recomputing all at every step."""

from __future__ import annotations

import json
from pathlib import Path

import families
import family_case
import msgspec
import numpy as np
import pytest
import tiny
import torch
from families import CROSS, FAMILIES
from family_case import (
    QUESTION,
    SAMPLES,
    TOKENS,
    Case,
    Edit,
    Sid,
    Vaf,
    arrays,
    generated,
    patch_positions,
    recomputed,
    reference,
)
from PIL import Image
from torch import Tensor
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from aai_worker.errors import WorkerError
from aai_worker.loading.families import REFUSED, SUPPORTED
from aai_worker.loading.inspection import inspect_checkpoint
from aai_worker.models import FAMILIES as ADAPTERS
from aai_worker.protocol import BeamParameters, ExtractVisionCommand, SidParameters

pytestmark = pytest.mark.slow

case = family_case.case  # the fixture


# With tests of their own.
OTHERS = {"llava", "blip-2", "instructblip", "minigpt4", "shikra"}


def test_every_family_has_a_case_and_is_documented() -> None:
    assert set(FAMILIES) == set(ADAPTERS) - OTHERS
    assert list(SUPPORTED) == list(ADAPTERS)
    assert not set(SUPPORTED) & set(REFUSED)
    assert set(REFUSED) <= set(CONFIG_MAPPING_NAMES), "names that transformers knows"


@pytest.mark.parametrize("model_type", [*REFUSED, "kosmos-2"])
def test_a_family_without_an_adapter(model_type: str, tmp_path: Path) -> None:
    """A sentence that says why, or what an adapter would need."""
    settings = {"model_type": model_type, "vision_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(WorkerError) as caught:
        tiny.load(tmp_path)
    assert caught.value.code == "unknown-model"
    assert f'Model type "{model_type}" is not supported' in caught.value.message
    assert REFUSED.get(model_type, "An adapter tells") in caught.value.message
    assert "llava, llava_next" in caught.value.message


def test_greedy_and_beams_equal_transformers(case: Case) -> None:
    """Two images of different sizes, with their numbers of image tokens, in one batch."""
    rows = [tiny.row(sample=0), tiny.row(sample=1)]
    greedy = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=TOKENS)
    expected = [generated(case, image) for image in range(2)]
    assert [greedy.ids(row) for row in range(2)] == expected
    assert len({*expected[0], *expected[1]}) > 1, "a model that says one thing proves nothing"
    lengths = {len(case.inputs(image)["input_ids"][0]) for image in range(2)}
    assert len(lengths) == 1 + case.model.dynamic or case.name in {"gemma3-crops", *CROSS}

    search = BeamParameters(
        max_new_tokens=TOKENS, num_beams=3, length_penalty=1.0, early_stopping=False, num_return=1
    )
    beams = tiny.run(case.engine, SAMPLES, rows, arrays(), search=search)
    assert [beams.ids(row) for row in range(2)] == [generated(case, image, num_beams=3) for image in range(2)]


@pytest.mark.parametrize("warmup", [-1, 2])
def test_aai_equals_the_naive_oracle(warmup: int, case: Case, logits: list[Tensor]) -> None:
    """Both images in one batch, edited, beside a plain row."""
    layers = (1, families.LAYERS)
    edit = tiny.aai(alpha=0.9, beta=0.8, layers=layers, warmup=warmup)
    rows = [tiny.row(edit, sample=0), tiny.row(sample=0), tiny.row(edit, sample=1)]
    result = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=TOKENS)
    seen = torch.stack(logits, dim=1)  # [R, TOKENS, V]
    tolerance = 1e-4 * float(seen.abs().max())
    for row, image in ((0, 0), (2, 1)):
        values = torch.from_numpy(reference(case, image, "released")[0])
        edited = Edit(0.9, 0.8, layers, warmup)
        tokens, expected = recomputed(case, image, edited, values / (values.mean() + 1e-8))
        assert result.ids(row) == tokens
        assert torch.allclose(seen[row], expected, rtol=0, atol=tolerance)
    assert torch.equal(seen[0, : warmup + 1], seen[1, : warmup + 1])
    difference = (seen[0, warmup + 1] - seen[1, warmup + 1]).abs().max()
    assert difference > 10 * tolerance, "the edit is meant to show"


def test_vaf_equals_the_naive_oracle(case: Case, logits: list[Tensor]) -> None:
    """Prompt queries behind the image are edited, too; both images in one batch, beside a plain row."""
    layers = (1, families.LAYERS)
    edit = tiny.vaf(1.6, 0.5, layers)
    rows = [tiny.row(edit, sample=0), tiny.row(sample=0), tiny.row(edit, sample=1)]
    result = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=TOKENS)
    plain = tiny.run(case.engine, SAMPLES, [tiny.row(sample=0)], arrays(), tokens=TOKENS)
    seen = torch.stack(logits[:TOKENS], dim=1)  # [R, TOKENS, V]
    tolerance = 1e-4 * float(seen.abs().max())
    for row, image in ((0, 0), (2, 1)):
        tokens, expected = recomputed(case, image, Vaf(1.6, 0.5, layers), torch.empty(0))
        assert result.ids(row) == tokens
        assert torch.allclose(seen[row], expected, rtol=0, atol=tolerance)
    assert result.ids(1) == plain.ids(0), "the plain row's prompt stays as it is"
    logits.clear()
    newest = tiny.row(tiny.vaf(1.6, 0.5, layers, queries="newest"), sample=0)
    tiny.run(case.engine, SAMPLES, [newest], arrays(), tokens=1)
    assert (logits[0][0] - seen[0, 0]).abs().max() > 10 * tolerance, "the prompt's queries are meant to show"


def test_sid_equals_the_naive_oracle(case: Case, logits: list[Tensor]) -> None:
    """With weight -1 the contrasted logits are those of the second stream."""
    if case.name in CROSS:
        return
    second = SidParameters(alpha=-1, beta=0, keep=3, layer=2)
    result = tiny.run(
        case.engine, SAMPLES, [tiny.row(sample=0), tiny.row(sample=1)], arrays(), TOKENS, contrast=second
    )
    seen = torch.stack(logits, dim=1)  # [R, TOKENS, V]
    for image in range(2):
        tokens, expected = recomputed(case, image, Sid(3, 2), torch.empty(0))
        assert result.ids(image) == tokens
        assert torch.allclose(seen[image], expected, rtol=0, atol=1e-4 * float(seen.abs().max()))


@torch.inference_mode()
def test_capture_equals_transformers(case: Case) -> None:
    """Image keys of both images; the weights that chose the first token."""
    rows = [tiny.row(sample=0), tiny.row(sample=1)]
    result = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=2, capture=tiny.capture(keys="image"))
    for image in range(2):
        maps = case.oracle(**case.inputs(image), output_attentions=True).attentions
        expected = torch.stack([maps[layer][0, :, -1] for layer in case.model.image_layers])
        expected = expected[..., patch_positions(case, image)]
        assert result.attention[image][0].weights == pytest.approx(expected.numpy(), abs=1e-5)


def test_description(case: Case) -> None:
    description = case.model.describe()
    typical = case.model.preprocess(Image.new("RGB", (640, 480)))
    assert description.family == case.name.partition("-")[0]
    assert description.templates[0] == "chat"
    assert description.image_tokens == case.model.count_image_tokens(typical)
    assert description.dynamic_image_tokens == case.model.dynamic
    assert (description.layers, description.heads, description.kv_heads) == (families.LAYERS, 4, 2)
    assert description.cross_layers == ([1, 3] if case.name in CROSS else [])
    assert description.vision_tower.reference_layer == description.vision_tower.layers - 1

    inspected = inspect_checkpoint(str(case.folder))
    ids = case.model.tokenise(inspected["prompt"], typical)
    runs = [key for start, end in inspected["imageRuns"] for key in range(start, end)]
    assert runs == case.model.image_positions(ids, typical)
    assert inspected["promptTokens"] == len(ids)
    assert inspected["visionTower"] == msgspec.to_builtins(description.vision_tower)


def test_questions_without_an_image(case: Case) -> None:
    samples = [tiny.sample(QUESTION, image=None, template="chat"), SAMPLES[0]]
    result = tiny.run(case.engine, samples, [tiny.row(sample=0), tiny.row(sample=1)], arrays(), tokens=3)
    text = f"USER: {QUESTION} ASSISTANT:"
    ids = case.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
    types = case.family.types(torch.zeros_like(ids, dtype=torch.bool), {})
    expected = case.oracle.generate(ids, **types, max_new_tokens=3, do_sample=False)
    assert result.ids(0) == expected[0, ids.shape[1] :].tolist()
    assert result.ids(1) == generated(case, 0)[:3]


def test_a_second_image_in_the_question(case: Case) -> None:
    marker = case.model.marker
    samples = [tiny.sample(f"And {marker}?", image=0, template="chat")]
    result = tiny.run(case.engine, samples, [tiny.row()], arrays(), tokens=1)
    fault = result.rows[0].fault
    assert fault is not None
    assert f"The prompt holds 2 x {marker}" in fault.message or "places the image itself" in fault.message


def test_half_precision(case: Case, tmp_path: Path) -> None:
    """Edited and captured in bfloat16, with features and references from the same pass."""
    case.oracle.save_pretrained(tmp_path)
    case.tokenizer.save_pretrained(tmp_path)
    case.processor.save_pretrained(tmp_path)
    engine = tiny.load(tmp_path, dtype="bfloat16")
    edit = tiny.aai(warmup=-1, layers=(0, families.LAYERS))
    rows = [tiny.row(edit, sample=0), tiny.row(sample=1)]
    result = tiny.run(engine, SAMPLES, rows, arrays(), tokens=3, capture=tiny.capture(keys="image"))
    assert [len(result.ids(row)) for row in range(2)] == [3, 3]
    for image in range(2):
        whole = reference(case, image, "released")[0]
        command = ExtractVisionCommand(model="m1", image=image, mode="released")
        _, tokens, _, _ = engine.extract_vision(command, arrays())
        assert np.corrcoef(tokens, whole)[0, 1] > 0.9  # sharp random maps: single values differ
