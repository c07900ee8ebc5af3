"""Sampling is transformers' `generate(do_sample=True)`, token for token, from the same seed."""

from __future__ import annotations

from typing import Any

import pytest
import tiny
import torch

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.protocol import SampleParameters

QUESTIONS = ["<image>\nWhat?", "Look: <image>\nPlease describe this image in detail.", "<image>\nA dog?"]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.7},
    {"temperature": 1.5, "top_k": 20},
    {"top_p": 0.8},
    {"min_p": 0.05, "temperature": 1.3},
    {"repetition_penalty": 1.4},
    {"temperature": 0.9, "top_k": 40, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2},
]


def sampling(seed: int = 7, tokens: int = 20, **settings: Any) -> SampleParameters:
    plain = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}
    return SampleParameters(max_new_tokens=tokens, seed=seed, **{**plain, **settings})


def generate(oracle: tuple[Any, Any], text: str, image: int, search: SampleParameters) -> list[int]:
    model, processor = oracle
    inputs = processor(text=text, images=tiny.picture(image), return_tensors="pt")
    torch.manual_seed(search.seed)
    output = model.generate(
        **inputs,
        max_new_tokens=search.max_new_tokens,
        do_sample=True,
        temperature=search.temperature,
        top_k=search.top_k,
        top_p=search.top_p,
        min_p=search.min_p or None,
        repetition_penalty=search.repetition_penalty,
    )
    return output[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equals_transformers(settings: dict[str, Any], engine: Engine, oracle: tuple[Any, Any]) -> None:
    search = sampling(**settings)
    samples = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
    rows = [tiny.row(sample=index) for index in range(3)]
    result = tiny.run(engine, samples, rows, tiny.pictures(3), search=search)

    expected = [generate(oracle, text, index, search) for index, text in enumerate(QUESTIONS)]
    assert [result.ids(row) for row in range(3)] == expected
    assert len({tuple(ids) for ids in expected}) == 3


def test_the_seed_decides(engine: Engine) -> None:
    def answer(seed: int) -> list[int]:
        search = sampling(seed=seed)
        return tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), search=search).ids()

    assert answer(1) == answer(1)
    assert answer(1) != answer(2)


def test_edited_rows_draw_the_same_numbers(engine: Engine) -> None:
    """An edit that changes nothing changes no draw, and rows in a batch are rows alone."""
    rows = [tiny.row(), tiny.row(tiny.aai(alpha=0.0)), tiny.row(tiny.aai(alpha=1.0, warmup=-1))]
    search = sampling(tokens=12)
    together = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), search=search)
    alone = [tiny.run(engine, [tiny.sample()], [row], tiny.pictures(1), search=search).ids() for row in rows]

    assert [together.ids(row) for row in range(3)] == alone
    assert alone[0] == alone[1] != alone[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0; it must be above 0"),
        ({"top_p": 1.2}, "topP is 1.2; it must be above 0 and at most 1"),
        ({"min_p": -0.1}, "minP is -0.1; it must be from 0 to 1"),
        ({"repetition_penalty": float("nan")}, "repetitionPenalty is nan; it must be above 0"),
    ],
)
def test_refused(settings: dict[str, float], message: str, engine: Engine) -> None:
    with pytest.raises(WorkerError, match=message):
        search = sampling(**settings)
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), search=search)


def test_rows_of_different_seeds_are_sampled_together(engine: Engine) -> None:
    rows = [tiny.row(search=sampling(seed=seed)) for seed in (3, 4, 5)]
    together = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1))
    for number, row in enumerate(rows):
        assert together.ids(number) == tiny.run(engine, [tiny.sample()], [row], tiny.pictures(1)).ids()
    assert len({tuple(together.ids(number)) for number in range(3)}) == 3
    assert together.summary is not None
    assert together.summary.timings.steps == 20, "one batch, not one a seed"
