from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch import Tensor
from transformers import LlavaForConditionalGeneration
from transformers.models.llava.processing_llava import LlavaProcessor

from aai_worker.engine import Engine
from aai_worker.protocol import ModelCommand
from aai_worker.search import SEARCHES
from aai_worker.search.choice import Choice, SearchRow
from aai_worker.search.greedy import Greedy

torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_checkpoint(tmp_path_factory.mktemp("tiny-llava"))


@pytest.fixture(scope="session")
def shared_engine(checkpoint: Path) -> Engine:
    return tiny.load(checkpoint)


@pytest.fixture
def engine(shared_engine: Engine) -> Iterator[Engine]:
    """Holds the tiny checkpoint; a test must not leave hooks behind."""
    yield shared_engine
    assert not shared_engine.list_hooks(ModelCommand(model="m1")).hooks


@pytest.fixture(scope="session")
def oracle(checkpoint: Path) -> tuple[Any, Any]:
    """transformers' own model, under eager attention, and processor."""
    model = LlavaForConditionalGeneration.from_pretrained(checkpoint, attn_implementation="eager")
    return model.eval(), LlavaProcessor.from_pretrained(checkpoint)


@pytest.fixture
def logits(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """What the search was given, [R, V] per step."""
    seen: list[Tensor] = []

    class Spy(Greedy):
        def step(self, logits: Tensor, rows: list[SearchRow]) -> list[Choice]:
            seen.append(logits.clone())
            return super().step(logits, rows)

    monkeypatch.setitem(SEARCHES, "greedy", Spy)
    return seen
