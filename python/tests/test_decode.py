"""Greedy decoding without edits is transformers' `generate`, token for token."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from aai_worker.engine import Engine
from aai_worker.errors import Cancelled
from aai_worker.protocol import ModelCommand

QUESTIONS = ["<image>\nWhat?", "Look: <image>\nPlease describe this image in detail.", "<image>\nA dog?"]


def generate(oracle: tuple[Any, Any], texts: list[str], images: list[Any], tokens: int) -> list[list[int]]:
    """transformers' own answer: prompts padded on the left, answers cut after the stop token."""
    model, processor = oracle
    inputs = processor(text=texts, images=images, padding=True, return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    stop = model.generation_config.eos_token_id
    stop = {stop} if isinstance(stop, int) else set(stop)
    answers = []
    for ids in output[:, inputs["input_ids"].shape[1] :].tolist():
        end = next((index + 1 for index, token in enumerate(ids) if token in stop), len(ids))
        answers.append(ids[:end])
    return answers


def test_one_prompt(engine: Engine, oracle: tuple[Any, Any]) -> None:
    result = tiny.run(engine, [tiny.sample(QUESTIONS[1])], [tiny.row()], tiny.pictures(1), tokens=30)

    assert result.ids() == generate(oracle, QUESTIONS[1:2], [tiny.picture(0)], 30)[0]
    assert len(set(result.ids())) > 5, "the tiny model is meant to say more than one thing"


def test_prompts_of_different_lengths_in_one_batch(engine: Engine, oracle: tuple[Any, Any]) -> None:
    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in range(3)]
    result = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=30)

    expected = generate(oracle, QUESTIONS, [tiny.picture(seed) for seed in range(3)], 30)
    assert [result.ids(row) for row in range(3)] == expected


def test_rows_leave_at_their_stop_token(checkpoint: Path, tmp_path: Path, oracle: tuple[Any, Any]) -> None:
    # The random model never says </s>: what it does say, early in one row, becomes a stop token.
    long = generate(oracle, QUESTIONS, [tiny.picture(seed) for seed in range(3)], 20)
    stop = next(token for token in long[1][3:] if token not in long[0][:6])
    folder = shutil.copytree(checkpoint, tmp_path / "stops")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [2, stop]}))
    model = type(oracle[0]).from_pretrained(folder).eval()

    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in (2, 0, 1, 1)]
    engine = tiny.load(folder)
    result = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=20)

    expected = generate((model, oracle[1]), QUESTIONS, [tiny.picture(seed) for seed in range(3)], 20)
    assert [result.ids(row) for row in range(4)] == [expected[index] for index in (2, 0, 1, 1)]
    assert result.ids(3)[-1] == stop and len(result.ids(3)) < 20
    assert result.rows[3].text == oracle[1].tokenizer.decode(result.ids(3)[:-1])
    assert result.tokens[3][-1].text in ("", "\ufffd")  # at most the rest of a broken character
    assert [result.rows[row].finish_reason for row in range(4)] == [
        "stop" if ids[-1] == stop else "length"
        for ids in (expected[2], expected[0], expected[1], expected[1])
    ]


def test_many_samples_are_prefilled_in_parts(
    engine: Engine, oracle: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aai_worker.kv.prefix._PREFILL_TOKENS", 80)  # one long prompt, or two short ones
    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in range(3)]
    result = tiny.run(engine, samples, rows, tiny.pictures(3))

    expected = generate(oracle, QUESTIONS, [tiny.picture(seed) for seed in range(3)], 12)
    assert [result.ids(row) for row in range(3)] == expected


def test_a_sample_without_image(engine: Engine, oracle: tuple[Any, Any]) -> None:
    samples = [tiny.sample("Who are you?", image=None), tiny.sample()]
    result = tiny.run(engine, samples, [tiny.row(sample=1), tiny.row(sample=0)], tiny.pictures(1))

    assert result.ids(1) == generate(oracle, ["Who are you?"], None, 12)[0]  # type: ignore[arg-type]
    assert result.ids(0) == generate(oracle, ["<image>\nWhat is it?"], [tiny.picture(0)], 12)[0]


def test_the_context_ends_the_answer(engine: Engine) -> None:
    prompt = "<image>" + "x" * (tiny.CONTEXT - tiny.IMAGE_TOKENS - 5)
    result = tiny.run(engine, [tiny.sample(prompt)], [tiny.row()], tiny.pictures(1), tokens=50)

    assert len(result.ids()) == 5
    assert result.rows[0].finish_reason == "length"


def test_streamed_text_is_the_whole_text(engine: Engine, oracle: tuple[Any, Any]) -> None:
    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in range(3)]
    result = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=60)

    tokenizer = oracle[1].tokenizer
    for row in range(3):
        tokens = result.tokens[row]
        assert [token.id for token in tokens] == result.ids(row)
        assert [token.step for token in tokens] == list(range(60))
        assert "".join(token.text for token in tokens) == result.rows[row].text
        assert result.rows[row].text == tokenizer.decode(result.ids(row), skip_special_tokens=True)


def test_without_stream_only_whole_rows_come(engine: Engine) -> None:
    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in range(3)]
    streamed = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=60)
    whole = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=60, stream=False)

    assert not whole.tokens
    assert whole.rows == streamed.rows


def test_the_same_command_gives_the_same_logits(engine: Engine, logits: list[torch.Tensor]) -> None:
    for _ in range(2):
        tiny.run(engine, [tiny.sample()], [tiny.row(), tiny.row(tiny.aai())], tiny.pictures(1))

    assert len(logits) == 24
    assert all(torch.equal(first, second) for first, second in zip(logits[:12], logits[12:], strict=True))


def test_cancelled_within_a_step(engine: Engine, logits: list[torch.Tensor]) -> None:
    stopping = False

    def progress() -> None:
        nonlocal stopping
        stopping = len(logits) >= 3

    with pytest.raises(Cancelled):
        tiny.run(
            engine,
            [tiny.sample()],
            [tiny.row()],
            tiny.pictures(1),
            should_stop=lambda: stopping,
            progress=progress,
        )
    assert len(logits) == 3
    assert tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1)).summary is not None


def test_cancelled_before_the_first_vision_pass(engine: Engine) -> None:
    with pytest.raises(Cancelled):
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), should_stop=lambda: True)


def test_progress_at_every_pass_and_step(engine: Engine) -> None:
    calls = 0

    def progress() -> None:
        nonlocal calls
        calls += 1

    samples = [tiny.sample(image=0), tiny.sample(image=0), tiny.sample(image=1)]
    rows = [tiny.row(sample=index) for index in range(3)]
    result = tiny.run(engine, samples, rows, tiny.pictures(2), tokens=7, progress=progress)

    assert calls == 2 + 1 + 7  # two images, one prefill, seven steps
    assert result.summary is not None
    assert result.summary.timings.generated_tokens == 21
    assert result.summary.timings.steps == 7


def test_the_prefix_is_described(engine: Engine) -> None:
    samples = [tiny.sample("ab<image>\nWhat?"), tiny.sample("Hello", image=None)]
    result = tiny.run(engine, samples, [tiny.row(sample=0), tiny.row(sample=1)], tiny.pictures(1))

    (prefilled,) = result.prefilled
    assert [(row.prompt_tokens, row.key_ranges) for row in prefilled.rows] == [(24, [(2, 18)]), (5, [])]


def test_generated_tokens_add_up(checkpoint: Path) -> None:
    engine = tiny.load(checkpoint)
    tiny.run(engine, [tiny.sample()], [tiny.row(), tiny.row()], tiny.pictures(1), tokens=3)

    assert engine.generated_tokens == 6
    engine.unload(ModelCommand(model="m1"))
    assert engine.models == []
