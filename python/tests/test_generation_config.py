"""What generation_config.json asks of logits is done as transformers' `generate` does it, token for token."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import test_blip2
import tiny
import torch
from converted import native

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.loading.inspection import inspect_checkpoint
from aai_worker.protocol import (
    BeamParameters,
    GreedyParameters,
    ModelCommand,
    SampleParameters,
)

pytestmark = pytest.mark.slow

TOKENS = 14
# What the plain answers say stands in the prompts, too: penalties see both.
QUESTIONS = ["<image>\nWhat?", 'Look: <image>\nq"q"q" Please describe this image.', "<image>\nA dog? A dog."]
SEARCHES: dict[str, Any] = {
    "greedy": GreedyParameters(max_new_tokens=TOKENS),
    "beam": BeamParameters(
        max_new_tokens=TOKENS, num_beams=3, length_penalty=1.0, early_stopping=False, num_return=1
    ),
    "sample": SampleParameters(
        max_new_tokens=TOKENS,
        temperature=0.8,
        top_k=40,
        top_p=0.95,
        min_p=0.0,
        repetition_penalty=None,
        seed=5,
    ),
}


def settings_for(said: list[int]) -> dict[str, dict[str, Any]]:
    """`said`: tokens of the plain answers, the most frequent ones first."""
    often, other, third = said[:3]
    return {
        "repetition_penalty": {"repetition_penalty": 1.4},
        "repetition_penalty below 1": {"repetition_penalty": 0.8},
        "no_repeat_ngram_size": {"no_repeat_ngram_size": 2},
        "encoder_repetition_penalty": {"encoder_repetition_penalty": 2.5},
        "encoder_no_repeat_ngram_size": {"encoder_no_repeat_ngram_size": 1},
        "suppress_tokens": {"suppress_tokens": [often, other]},
        "begin_suppress_tokens": {"begin_suppress_tokens": said},
        "bad_words_ids": {"bad_words_ids": [[often], [other, third], [third, third]]},
        "sequence_bias": {"sequence_bias": [[[often], -9.0], [[other, third], 5.0]]},
        "min_length": {"min_length": 50, "eos_token_id": [2, often]},
        "min_new_tokens": {"min_new_tokens": 9, "eos_token_id": [2, often]},
        "forced_bos_token_id": {"forced_bos_token_id": 9},
        "forced_eos_token_id": {"forced_eos_token_id": 2},
        "exponential_decay_length_penalty": {"exponential_decay_length_penalty": [3, 1.9]},
        "remove_invalid_values": {"remove_invalid_values": True, "suppress_tokens": [often]},
        "renormalize_logits": {"renormalize_logits": True, "repetition_penalty": 1.2},
        "several": {"repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "suppress_tokens": [often]},
    }


NAMES = list(settings_for([0, 1, 2]))
WITHOUT_EFFECT = {"forced_bos_token_id"}  # on prompts longer than one token, as all are


def with_settings(checkpoint: Path, folder: Path, settings: dict[str, Any]) -> Path:
    shutil.copytree(checkpoint, folder)
    file = folder / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    return folder


def answers(engine: Engine, search: Any) -> list[list[int]]:
    """Of all questions, in one batch."""
    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in range(len(QUESTIONS))]
    result = tiny.run(engine, samples, rows, tiny.pictures(3), search=search)
    return [result.ids(row) for row in range(len(rows))]


def generated(folder: Path, processor: Any, search: Any) -> list[list[int]]:
    """What `generate` writes on each alone."""
    model = native(folder)
    options: dict[str, Any] = dict(max_new_tokens=TOKENS, do_sample=False, num_beams=1)
    if isinstance(search, BeamParameters):
        options |= dict(num_beams=search.num_beams, length_penalty=1.0, early_stopping=False)
    if isinstance(search, SampleParameters):
        options |= dict(do_sample=True, temperature=search.temperature, top_k=search.top_k)
        options |= dict(top_p=search.top_p)
        if search.repetition_penalty is not None:
            options |= dict(repetition_penalty=search.repetition_penalty)
    written = []
    for index, text in enumerate(QUESTIONS):
        inputs = processor(text=text, images=tiny.picture(index), return_tensors="pt")
        torch.manual_seed(5)
        output = model.generate(**inputs, **options)[0, inputs["input_ids"].shape[1] :].tolist()
        stops = model.generation_config.eos_token_id
        stops = {stops} if isinstance(stops, int) else set(stops)
        end = next((place + 1 for place, token in enumerate(output) if token in stops), len(output))
        written.append(output[:end])
    return written


@pytest.fixture(scope="module")
def plain(shared_engine: Engine) -> dict[str, list[list[int]]]:
    return {name: answers(shared_engine, search) for name, search in SEARCHES.items()}


@pytest.fixture(scope="module")
def said(plain: dict[str, list[list[int]]]) -> list[int]:
    tokens = [token for rows in plain.values() for ids in rows for token in ids]
    return sorted(set(tokens), key=lambda token: (-tokens.count(token), token))


@pytest.mark.parametrize("name", NAMES)
def test_equals_transformers(
    name: str,
    said: list[int],
    plain: dict[str, list[list[int]]],
    checkpoint: Path,
    oracle: tuple[Any, Any],
    tmp_path: Path,
) -> None:
    settings = settings_for(said)[name]
    folder = with_settings(checkpoint, tmp_path / "checkpoint", settings)
    engine = tiny.load(folder)
    changed = False
    for kind, search in SEARCHES.items():
        mine = answers(engine, search)
        assert mine == generated(folder, oracle[1], search), kind
        changed = changed or mine != plain[kind]
    assert changed != (name in WITHOUT_EFFECT)

    description = engine.describe(ModelCommand(model="m1")).description
    described = {key: json.loads(value) for key, value in description.processors.items()}
    assert described == {key: value for key, value in settings.items() if key != "eos_token_id"}
    assert inspect_checkpoint(str(folder))["processors"] == description.processors


def test_the_user_s_repetition_penalty_wins(
    checkpoint: Path, oracle: tuple[Any, Any], tmp_path: Path
) -> None:
    folder = with_settings(checkpoint, tmp_path / "checkpoint", {"repetition_penalty": 1.4})
    engine, sample = tiny.load(folder), SEARCHES["sample"]
    seen = []
    for penalty in (None, 1.0, 2.0):
        search = SampleParameters(
            **{
                **{name: getattr(sample, name) for name in sample.__struct_fields__},
                "repetition_penalty": penalty,
            }
        )
        seen.append(answers(engine, search))
        assert seen[-1] == generated(folder, oracle[1], search)
    assert seen[0] != seen[1] != seen[2]


def test_how_to_sample_is_the_search_s_own(
    checkpoint: Path, plain: dict[str, list[list[int]]], tmp_path: Path
) -> None:
    stored = {"do_sample": True, "temperature": 0.1, "top_k": 1, "num_beams": 4, "max_length": 40}
    folder = with_settings(checkpoint, tmp_path / "checkpoint", stored)
    engine = tiny.load(folder)
    for kind, search in SEARCHES.items():
        assert answers(engine, search) == plain[kind]
    description = engine.describe(ModelCommand(model="m1")).description
    assert description.processors == {}
    assert set(description.unused_settings) == set(stored)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"guidance_scale": 1.5}, "sets guidance_scale to 1.5, which is not applied here"),
        ({"stop_strings": ["x"]}, "sets stop_strings to"),
        ({"max_time": 3.0}, "sets max_time to 3.0"),
        ("{", "generation_config.json cannot be read: It looks like the config file"),
        ({"repetition_penalty": -1.0}, "generation_config.json cannot be followed"),
        ({"no_repeat_ngram_size": "two"}, "generation_config.json cannot be followed"),
    ],
)
def test_refused(settings: dict[str, Any] | str, message: str, checkpoint: Path, tmp_path: Path) -> None:
    broken = isinstance(settings, str)
    folder = with_settings(checkpoint, tmp_path / "checkpoint", {} if broken else settings)
    if broken:
        (folder / "generation_config.json").write_text(settings)
    with pytest.raises(WorkerError, match=message) as caught:
        tiny.load(folder)
    assert caught.value.code == "bad-checkpoint"


def test_blip2_follows_its_language_model(tmp_path: Path) -> None:
    """`generate` of BLIP-2 hands on to its language model's, which does not know the file."""
    test_blip2.save(tmp_path / "plain")
    settings = {"repetition_penalty": 3.0, "no_repeat_ngram_size": 1}
    folder = with_settings(tmp_path / "plain", tmp_path / "checkpoint", settings)
    engine, network = tiny.load(folder), native(folder)
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))
    ids = model.tokenise("<image>What is it?", pixels)
    made = network.generate(
        input_ids=torch.tensor([ids]), pixel_values=pixels.values, max_new_tokens=12, do_sample=False
    )
    samples = [tiny.sample("<image>What is it?")]
    assert tiny.run(engine, samples, [tiny.row()], tiny.pictures(1)).ids() == made[0, len(ids) :].tolist()
    description = engine.describe(ModelCommand(model="m1")).description
    assert description.processors == {}
    assert description.unused_settings == ["no_repeat_ngram_size", "repetition_penalty"]
