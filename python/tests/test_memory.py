"""How many rows are written at once where nobody says: what they will hold fits into what is free."""

from __future__ import annotations

from typing import Any

import pytest
import tiny
import torch

from aai_worker.decoding import generate
from aai_worker.engine import Engine
from aai_worker.kv import capacity
from aai_worker.kv.capacity import rows_that_fit


def limit(monkeypatch: pytest.MonkeyPatch, free: int | None) -> None:
    monkeypatch.setattr(capacity, "_available", lambda device: free)


@pytest.mark.parametrize(("own", "prompt", "streams"), [(500, 600.0, 1), (500, 37.5, 1), (100, 2000.0, 2)])
def test_rows_fit(
    own: int, prompt: float, streams: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the bytes of keys and values; a prompt's count twice: as prefilled, and among live rows."""
    model = engine._find("m1").model
    free = 100_000_000
    limit(monkeypatch, free)
    rows = rows_that_fit(model, own, prompt, streams)
    keys = torch.empty(model.text_config.num_key_value_heads, 1, 32 // 4)
    token = 2 * keys.nbytes * model.layers
    held = rows * streams * token * (own + 2 * prompt)
    assert free / 2 < held < free
    assert rows_that_fit(model, own, 2 * prompt, streams) < rows


def test_bounds(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine._find("m1").model
    for free, expected in ((0, 1), (10**12, 512), (None, 512)):
        limit(monkeypatch, free)
        assert rows_that_fit(model, 100, 100, 1) == expected


def test_the_fullest_device_decides(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine._find("m1").model
    monkeypatch.setattr(type(model), "devices", [torch.device("cuda", 0), torch.device("cuda", 1)])
    much = 10**12
    for free, expected in (((0, much), 1), ((much, 0), 1), ((much, much), 512), ((much, None), 512)):
        monkeypatch.setattr(capacity, "_available", lambda device, free=free: free[device.index])
        assert rows_that_fit(model, 100, 100, 1) == expected


def test_rows_that_share_a_prompt_are_more(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the batches that are really run."""
    sizes: list[Any] = []
    monkeypatch.setattr(generate, "rows_that_fit", lambda _, *asked: sizes.append(asked) or 4)
    samples = [tiny.sample(image=image) for image in range(3)]
    rows = [tiny.row(sample=row % 3) for row in range(12)]
    result = tiny.run(engine, samples, rows, tiny.pictures(3), tokens=3)
    length = result.prefilled[0].rows[0].prompt_tokens
    assert sizes == [(3, 3 * length / 12, 1)]
