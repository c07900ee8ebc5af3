"""MiniGPT-4 as published -> native, against the original computation in plain tensor operations."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import converted
import originals
import published
import pytest
import tiny
import torch
from torch.nn import functional as F

from aai_worker.engine import Engine
from aai_worker.protocol import BeamParameters, ExtractVisionCommand, OperaParameters, SampleParameters

pytestmark = pytest.mark.slow

PROMPT = f"###Human: <Img><image></Img> {converted.QUESTION} ###Assistant:"
EPS = 1e-6

Files = tuple[Path, Path, Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return published.minigpt4(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def folder(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(files, tmp_path_factory.mktemp("converted") / "minigpt4")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return tiny.load(folder)


@pytest.fixture(scope="module")
def oracle(folder: Path) -> Any:
    return converted.native(folder)


def convert(files: Files, out: Path) -> Path:
    vision, qformer, projector, llm = files
    return converted.convert("minigpt4", out, vision=vision, qformer=qformer, projector=projector, llm=llm)


def see(files: Files, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The image's features, the last block's attention, that of the last cross layer."""
    eva = {key: tensor.float() for key, tensor in torch.load(files[0]).items()}
    bert = torch.load(files[1])["model"]
    projection = torch.load(files[2], weights_only=False)["model"]
    seen, tower = originals.eva(eva, pixels, depth=39, heads=2)
    queries, cross = originals.qformer(bert, seen, heads=2)
    return F.linear(queries, projection["llama_proj.weight"], projection["llama_proj.bias"]), tower, cross


@torch.inference_mode()
def test_the_same_answer_from_the_same_numbers(files: Files, engine: Engine, oracle: Any) -> None:
    tensors = originals.read_shards(files[3])
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))
    image, _, _ = see(files, pixels.values[0])
    chunks = originals.Tokenizer(files[3]).chunks(PROMPT, "<image>")
    embedded = originals.splice(tensors, chunks, image)

    converted.assert_equal(model.encode_image(pixels, frozenset()).features, image)
    ids = model.tokenise(PROMPT, pixels)
    assert ids == [*chunks[0], *[model.image_token_id] * published.QUERIES, *chunks[1]]
    made = oracle(input_ids=torch.tensor([ids]), pixel_values=pixels.values).logits[0]
    converted.assert_equal(made, originals.llama(tensors, embedded, published.HEADS, EPS))

    answer = originals.write(tensors, embedded, published.HEADS, EPS, 12)
    samples = [tiny.sample(PROMPT), tiny.sample(converted.QUESTION, template="chat")]
    rows = [tiny.row(sample=0), tiny.row(sample=1), tiny.row(tiny.aai(mode="corrected", alpha=2.0))]
    result = tiny.run(engine, samples, rows, tiny.pictures(1))
    assert result.ids(0) == result.ids(1) == answer == converted.generate(oracle, ids, pixels.values)
    assert len(set(answer)) > 2
    assert result.ids(2) != answer


@torch.inference_mode()
def test_references(files: Files, engine: Engine) -> None:
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(1))
    _, tower, cross = see(files, pixels.values[0])
    received = tower.mean(dim=0).sum(0)  # by every token of the tower
    vision = model.encode_image(pixels, frozenset(["released", "corrected"]))
    expected = torch.stack([(weights * received).sum() for weights in cross.mean(dim=0)])
    converted.assert_equal(vision.references["corrected"].tokens, expected)
    converted.assert_equal(vision.references["corrected"].grid.flatten(), received[1:])
    assert vision.references["released"].tokens == pytest.approx(torch.ones(published.QUERIES), abs=1e-5)

    described = {
        mode: engine.extract_vision(
            ExtractVisionCommand(model="m1", image=0, mode=mode),
            tiny.pictures(1),  # type: ignore[arg-type]
        )[0]
        for mode in ("released", "corrected")
    }
    assert described["released"].constant and not described["corrected"].constant
    result = tiny.run(engine, [tiny.sample(PROMPT)], [tiny.row(tiny.aai())], tiny.pictures(1))
    assert result.summary is not None
    assert result.summary.attestation[0].constant_reference


@pytest.mark.parametrize("beams", [1, 3])
def test_stop_sequences(
    beams: int, engine: Engine, oracle: Any, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The random model never says ###: what it does say becomes a stop sequence."""
    model = engine._find("m1").model
    piece = originals.Tokenizer(files[3]).model.piece_to_id
    assert model.stop_sequences == ((piece("▁###"),), (piece("##"), piece("#")))

    search = BeamParameters(
        num_beams=beams, max_new_tokens=16, length_penalty=0.5, early_stopping=True, num_return=1
    )
    samples, rows = [tiny.sample(PROMPT, image) for image in range(3)], [tiny.row(sample=i) for i in range(3)]

    def run() -> list[list[int]]:
        result = tiny.run(
            engine, samples, rows, tiny.pictures(3), tokens=16, search=search if beams > 1 else None
        )
        return [result.ids(row) for row in range(3)]

    said = run()
    stops = ((said[0][4], said[0][5]), (said[1][7],), (said[2][1], said[2][2], said[2][3]))
    settings = {"length_penalty": 0.5, "early_stopping": True} if beams > 1 else {}
    monkeypatch.setattr(model, "stop_sequences", stops)
    pixels = [model.preprocess(tiny.picture(image)) for image in range(3)]
    expected = [
        converted.generate(
            oracle, model.tokenise(PROMPT, one), one.values, 16, stops, num_beams=beams, **settings
        )
        for one in pixels
    ]
    assert run() == expected
    assert any(len(ids) < 16 for ids in expected)
    assert beams > 1 or len(expected[0]) <= 6


def test_settings(folder: Path, engine: Engine) -> None:
    description = engine._find("m1").model.describe()
    assert (description.family, description.image_tokens) == ("minigpt4", published.QUERIES)
    assert description.architecture == "Blip2ForConditionalGeneration"
    assert description.templates[0] == "chat"
    text = json.loads((folder / "config.json").read_text())["text_config"]
    assert (text["bos_token_id"], text["eos_token_id"], text["pad_token_id"]) == (1, 2, 0)


def test_vicuna_without_a_row_for_padding(tmp_path: Path, oracle: Any) -> None:
    files = published.minigpt4(tmp_path, pad_row=False)
    grown = converted.native(convert(files, tmp_path / "out")).state_dict()["language_model.lm_head.weight"]
    whole = oracle.state_dict()["language_model.lm_head.weight"]
    assert grown.shape == whole.shape
    assert torch.equal(grown[-1], grown[0])


OPERA = OperaParameters(
    mode="clean",
    max_new_tokens=16,
    num_beams=3,
    scale_factor=50.0,
    threshold=15,
    num_attn_candidates=4,
    penalty_weights=1.0,
    length_penalty=1.0,
)
SAMPLE = SampleParameters(
    max_new_tokens=16, temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0, seed=3
)


@pytest.mark.parametrize("search", [OPERA, SAMPLE], ids=["opera", "sample"])
def test_other_searches_end_there_too(search: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine._find("m1").model
    samples, rows = [tiny.sample(PROMPT, image) for image in range(3)], [tiny.row(sample=i) for i in range(3)]
    said = tiny.run(engine, samples, rows, tiny.pictures(3), search=search)
    stops = tuple((said.ids(row)[1], said.ids(row)[2]) for row in range(3))
    monkeypatch.setattr(model, "stop_sequences", stops)
    result = tiny.run(engine, samples, rows, tiny.pictures(3), search=search)
    for row in range(3):
        ids = result.ids(row)
        pairs = [pair for pair in itertools.pairwise(ids) if pair in stops]
        assert len(pairs) <= 1, "nothing is written behind a stop sequence"
        assert not pairs or pairs == [tuple(ids[-2:])]
        stopped = bool(pairs) or ids[-1] in model.stop_ids
        assert (result.rows[row].finish_reason == "stop") == stopped
    assert any(tuple(result.ids(row)[-2:]) in stops for row in range(3))
