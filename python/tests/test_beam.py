"""Beam search is transformers' `generate(num_beams=...)`, token for token, row by row of a batch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.protocol import BeamParameters

pytestmark = pytest.mark.slow

QUESTIONS = ["<image>\nWhat?", "Look: <image>\nPlease describe this image in detail.", "<image>\nA dog?"]
SAMPLES = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
ROWS = [tiny.row(sample=index) for index in range(3)]


def beams(
    width: int = 4,
    tokens: int = 20,
    length_penalty: float = 1.0,
    early_stopping: bool = False,
    answers: int = 1,
) -> BeamParameters:
    return BeamParameters(
        max_new_tokens=tokens,
        num_beams=width,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
        num_return=answers,
    )


def generate(oracle: tuple[Any, Any], search: BeamParameters) -> list[list[int]]:
    model, processor = oracle
    inputs = processor(
        text=QUESTIONS, images=[tiny.picture(seed) for seed in range(3)], padding=True, return_tensors="pt"
    )
    output = model.generate(
        **inputs,
        max_new_tokens=search.max_new_tokens,
        do_sample=False,
        num_beams=search.num_beams,
        length_penalty=search.length_penalty,
        early_stopping=search.early_stopping,
        num_return_sequences=search.num_return,
    )
    stop = model.generation_config.eos_token_id
    stop = {stop} if isinstance(stop, int) else set(stop)
    answers = []
    for ids in output[:, inputs["input_ids"].shape[1] :].tolist():
        end = next((index + 1 for index, token in enumerate(ids) if token in stop), len(ids))
        answers.append(ids[:end])
    return answers


@pytest.fixture(scope="module")
def stopping(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory, oracle: tuple[Any, Any]
) -> tuple[Engine, tuple[Any, Any]]:
    """The random model never says </s>: tokens that its beams do say become stop tokens."""
    said = generate(oracle, beams(4, 20))
    stops = sorted({said[0][7], said[1][11], said[2][15], 2})
    folder = shutil.copytree(checkpoint, tmp_path_factory.mktemp("stopping") / "checkpoint")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": stops}))
    model = type(oracle[0]).from_pretrained(folder, attn_implementation="eager").eval()
    return tiny.load(folder), (model, oracle[1])


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_equals_transformers_to_the_longest_length(
    width: int, engine: Engine, oracle: tuple[Any, Any]
) -> None:
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=beams(width))

    assert [result.ids(row) for row in range(3)] == generate(oracle, beams(width))
    assert {event.finish_reason for event in result.rows.values()} == {"length"}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("length_penalty", [-1.0, 0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("width", [2, 4])
def test_equals_transformers_with_stop_tokens(
    width: int,
    length_penalty: float,
    early_stopping: bool,
    stopping: tuple[Engine, tuple[Any, Any]],
) -> None:
    engine, oracle = stopping
    search = beams(width, 24, length_penalty, early_stopping)
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=search)

    assert [result.ids(row) for row in range(3)] == generate(oracle, search)
    ended = {event.finish_reason for event in result.rows.values()}
    assert "stop" in ended or length_penalty == 2, "which pays for going on to the end"


def test_several_answers_per_row(stopping: tuple[Engine, tuple[Any, Any]]) -> None:
    engine, oracle = stopping
    search = beams(4, 24, answers=3)
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=search)

    expected = generate(oracle, search)
    for row in range(3):
        event = result.rows[row]
        answers = [event, *event.alternatives]
        assert [answer.token_ids for answer in answers] == expected[3 * row : 3 * row + 3]
        for answer in answers:
            stopped = answer.finish_reason == "stop"
            ids = answer.token_ids[:-1] if stopped else answer.token_ids
            assert answer.text == oracle[1].tokenizer.decode(ids)
            assert len(answer.token_ids) == 24 or stopped
    with pytest.raises(WorkerError, match=r"numReturn is 5; it must be at most numBeams \(4\)"):
        tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=beams(4, answers=5))


def test_rows_do_not_depend_on_their_batch(stopping: tuple[Engine, tuple[Any, Any]]) -> None:
    engine, _ = stopping
    rows = [
        tiny.row(*edits, sample=sample)
        for edits in ([], [tiny.aai(alpha=0.8, warmup=-1)], [tiny.aai(alpha=1.2, beta=0.7, warmup=3)])
        for sample in (0, 1, 2)
    ]
    together = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), search=beams())
    for number, row in enumerate(rows):
        alone = tiny.run(engine, SAMPLES, [row], tiny.pictures(3), search=beams())
        assert together.ids(number) == alone.ids()
    assert len({tuple(together.ids(number)) for number in range(9)}) >= 7, "the edits are meant to show"
    assert len({len(together.ids(number)) for number in range(9)}) > 1


def test_one_beam_is_greedy_under_edits_too(engine: Engine) -> None:
    rows = [tiny.row(tiny.aai(alpha=0.9, warmup=0)), tiny.row()]
    greedy = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), tokens=20)
    single = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), search=beams(1))

    assert [single.ids(row) for row in range(2)] == [greedy.ids(row) for row in range(2)]


def test_a_neutral_edit_changes_nothing(engine: Engine) -> None:
    rows = [tiny.row(), tiny.row(tiny.aai(alpha=0.0, beta=1.0, warmup=-1))]
    result = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), search=beams())

    assert result.ids(0) == result.ids(1)
    assert result.rows[0].text == result.rows[1].text


def test_warm_up_counts_the_tokens_of_the_beams(engine: Engine) -> None:
    """An edit that starts after the last token never acts; one step earlier it acts once, per row."""
    rows = [tiny.row(), tiny.row(tiny.aai(warmup=19)), tiny.row(tiny.aai(warmup=18, layers=(1, 3)))]
    result = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), search=beams(tokens=20))

    assert result.ids(0) == result.ids(1)
    assert result.summary is not None
    late, last = result.summary.attestation
    assert (late.steps, late.applications) == (0, 0)
    assert (last.steps, last.applications, last.layers) == (1, 2, [1, 2])
    assert [token.edited for token in result.tokens[2]] == [False] * 19 + [True]


def test_tokens_come_when_they_are_certain(stopping: tuple[Engine, tuple[Any, Any]]) -> None:
    engine, (_, processor) = stopping
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=beams())
    for row in range(3):
        ids = result.ids(row)
        text = processor.tokenizer.decode(ids[:-1] if result.rows[row].finish_reason == "stop" else ids)
        assert [token.id for token in result.tokens[row]] == ids
        assert [token.step for token in result.tokens[row]] == list(range(len(ids)))
        assert "".join(token.text for token in result.tokens[row]) == result.rows[row].text == text


def test_capture_is_refused(engine: Engine) -> None:
    with pytest.raises(WorkerError, match="greedy and sample only"):
        tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=beams(), capture=tiny.capture())


def test_more_beams_than_the_vocabulary_carries(engine: Engine) -> None:
    with pytest.raises(WorkerError, match="numBeams is 200; it must be far below the size of the vocabulary"):
        tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=beams(200))
