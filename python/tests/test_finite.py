"""A row whose logits are no numbers fails with a sentence; the other rows of its batch go on as if alone."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import test_generation_config
import tiny
import torch
from safetensors.torch import load_file, save_file

from aai_worker.decoding.finite import find_broken
from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.kv.batch import Batch
from aai_worker.protocol import (
    ExtractVisionCommand,
    IcdParameters,
    OperaParameters,
    RowEvent,
    VcdParameters,
)

SEARCHES: dict[str, Any] = {
    **test_generation_config.SEARCHES,
    "opera": OperaParameters(
        max_new_tokens=14,
        num_beams=3,
        length_penalty=1.0,
        scale_factor=50.0,
        threshold=2,
        num_attn_candidates=5,
        penalty_weights=1.0,
        mode="faithful",
    ),
}
SAMPLES = [tiny.sample(text, image=index) for index, text in enumerate(test_generation_config.QUESTIONS)]
ROWS = [tiny.row(sample=index) for index in range(3)]


def run(engine: Engine, search: Any, **options: Any) -> tiny.Run:
    return tiny.run(engine, SAMPLES, ROWS, tiny.pictures(3), search=search, **options)


def assert_failed(event: RowEvent) -> None:
    assert (event.finish_reason, event.text, event.token_ids) == ("failed", "", [])
    assert event.fault is not None and event.fault.code == "not-finite"
    assert "are not finite" in event.fault.message
    assert "bfloat16 or float32" in event.fault.message


def damaged(checkpoint: Path, folder: Path, layer: str, value: float) -> Path:
    shutil.copytree(checkpoint, folder)
    file = folder / "model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.endswith(layer))
    weights[name] = torch.full_like(weights[name], value)
    save_file(weights, file, metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers(value: float, search: str, checkpoint: Path, tmp_path: Path) -> None:
    engine = tiny.load(damaged(checkpoint, tmp_path / "checkpoint", "layers.2.mlp.down_proj.weight", value))
    result = run(engine, SEARCHES[search])
    for event in result.rows.values():
        assert_failed(event)
    assert len(result.rows) == 3
    assert result.summary is not None and result.summary.timings.generated_tokens == 0


def test_weights_that_overflow_in_half_precision_only(checkpoint: Path, tmp_path: Path) -> None:
    folder = damaged(checkpoint, tmp_path / "checkpoint", "model.norm.weight", 3e4)
    for event in run(tiny.load(folder, dtype="float16"), None).rows.values():
        assert_failed(event)
    assert run(tiny.load(folder, dtype="float32"), None).rows[0].finish_reason == "length"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("search", SEARCHES)
def test_one_row_of_a_batch(
    search: str, value: float, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its fifth step on the second row's logits are spoilt: of one beam, where it has several."""
    alone = run(engine, SEARCHES[search])
    step = Batch.step
    steps = 0

    def spoilt(self: Batch, attention: Any) -> torch.Tensor:
        nonlocal steps
        logits = step(self, attention)
        steps += 1
        owners = [id(prefix) for prefix in self.prefixes]
        second = [live for live, owner in enumerate(owners) if owner == owners_seen[1]]
        if steps >= 5 and second:
            logits[second[-1]] = value
        return logits

    owners_seen: list[int] = []
    join = Batch.join

    def noted(self: Batch, prefixes: Any) -> None:
        owners_seen.extend(id(prefix) for prefix in prefixes)
        join(self, prefixes)

    monkeypatch.setattr(Batch, "join", noted)
    monkeypatch.setattr(Batch, "step", spoilt)
    result = run(engine, SEARCHES[search], batch_size=64)

    assert_failed(result.rows[1])
    assert [result.ids(row) for row in (0, 2)] == [alone.ids(row) for row in (0, 2)]
    assert len(result.tokens[1]) == (4 if search in ("greedy", "sample") else 0)


@pytest.mark.parametrize(
    "contrast",
    [
        VcdParameters(alpha=1.0, beta=0.1, noise_step=500, seed=0),
        IcdParameters(alpha=1.0, beta=0.1, disturbance="You are blind."),
    ],
    ids=["vcd", "icd"],
)
def test_a_second_stream_that_is_no_number(
    contrast: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plausibility leaves most tokens out, with -inf, and those that remain are NaN."""
    step, main = Batch.step, []

    def spoilt(self: Batch, attention: Any) -> torch.Tensor:
        main[:] = main or [self]
        return step(self, attention) * (1.0 if self is main[0] else math.nan)

    sound = run(engine, None, contrast=contrast)
    assert {event.finish_reason for event in sound.rows.values()} == {"length"}
    monkeypatch.setattr(Batch, "step", spoilt)
    for event in run(engine, None, contrast=contrast).rows.values():
        assert_failed(event)


def test_captured_rows_fail_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    step, steps = Batch.step, []

    def spoilt(self: Batch, attention: Any) -> torch.Tensor:
        steps.append(1)
        return step(self, attention) * (1.0 if len(steps) < 4 else math.nan)

    monkeypatch.setattr(Batch, "step", spoilt)
    result = run(engine, None, capture=tiny.capture())
    for row in range(3):
        assert_failed(result.rows[row])
        assert len(result.tokens[row]) == 3
        assert max(event.body.step for event in result.attention[row]) < 3


def test_minus_infinity_leaves_tokens_out() -> None:
    out = -math.inf
    logits = torch.tensor([[0.0, out], [out, out], [math.nan, 1.0], [math.inf, 1.0], [-1.0, -2.0]])
    assert find_broken(logits) == [1, 2, 3]


def test_a_reference_that_is_no_number(checkpoint: Path, tmp_path: Path) -> None:
    folder = damaged(checkpoint, tmp_path / "checkpoint", "layers.0.mlp.fc1.weight", math.nan)
    command = ExtractVisionCommand(model="m1", image=0, mode="seed")
    with pytest.raises(WorkerError, match="attention is not finite") as caught:
        tiny.load(folder).extract_vision(command, tiny.pictures(1))
    assert caught.value.code == "not-finite"
