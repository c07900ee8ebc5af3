"""Probes: the first step's logits, whatever the search then does with them."""

from __future__ import annotations

from typing import Any

import pytest
import tiny
import torch

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.protocol import GenerateCommand, RowEvent


def probed(engine: Engine, texts: list[str]) -> list[RowEvent]:
    command = GenerateCommand(
        model="m1",
        samples=[tiny.sample(image=0), tiny.sample("<image>\nA dog?", image=1)],
        rows=[tiny.row(sample=0), tiny.row(sample=1)],
        batch_size=None,
        capture=None,
        stream=True,
        probes=texts,
        window=1,
    )
    events = engine.generate(command, tiny.pictures(2))
    return [event for event in events if isinstance(event, RowEvent)]


def test_probes_are_the_logits_of_transformers_at_the_end_of_the_prompt(
    engine: Engine, oracle: tuple[Any, Any]
) -> None:
    network, processor = oracle
    events = probed(engine, ["Yes", "No"])
    assert [event.row for event in events] == [0, 1]
    ids = [processor.tokenizer(text, add_special_tokens=False)["input_ids"][0] for text in ("Yes", "No")]
    for number, text in enumerate(["<image>\nWhat is it?", "<image>\nA dog?"]):
        inputs = processor(images=tiny.picture(number), text=text, return_tensors="pt")
        with torch.inference_mode():
            expected = network(**inputs).logits[0, -1, ids]
        torch.testing.assert_close(torch.tensor(events[number].probes), expected, atol=1e-5, rtol=0)


def test_a_probe_without_a_token_is_refused(engine: Engine) -> None:
    with pytest.raises(WorkerError, match="has no token"):
        probed(engine, [""])
