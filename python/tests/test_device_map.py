"""A model spread over two devices writes, and tells, just what it does on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from devices import FAKE, fake_devices, halves
from families import CROSS
from family_case import QUESTION, SAMPLES, arrays
from test_contrast import METHODS
from test_family_searches import CHECKPOINTS
from test_opera import opera
from transformers import AutoModelForImageTextToText

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.loading.load import check_placement, load_model
from aai_worker.protocol import BeamParameters, GreedyParameters, LoadCommand, SampleParameters

pytestmark = pytest.mark.slow

SEARCHES = {
    "greedy": GreedyParameters(max_new_tokens=8),
    "sample": SampleParameters(
        max_new_tokens=8, temperature=1.5, top_p=0.9, top_k=0, min_p=0.0, repetition_penalty=1.1, seed=3
    ),
    "beam": BeamParameters(
        max_new_tokens=8, num_beams=3, length_penalty=1.0, early_stopping=False, num_return=1
    ),
    "opera": opera(max_new_tokens=16),
}


@pytest.fixture(autouse=True)
def devices() -> Iterator[None]:
    with fake_devices():
        yield


def spread(folder: Path) -> Engine:
    """An engine with the checkpoint's decoder on both devices, half of its layers each."""
    engine = tiny.load(folder, device=str(FAKE[0]))
    network = AutoModelForImageTextToText.from_pretrained(folder)
    layers = next(part for name, part in network.get_decoder().named_modules() if name.endswith("layers"))
    device_map = halves(network, next(name for name, part in network.named_modules() if part is layers))
    model = load_model(str(folder), None, "float32", True, FAKE[0], device_map, lambda: None)
    assert model.devices == list(FAKE)
    engine._find("m1").model = model
    return engine


@pytest.fixture(scope="module")
def parted(checkpoint: Path) -> Engine:
    with fake_devices():
        return spread(checkpoint)


def compare(one: Engine, two: Engine, samples: Any, rows: Any, images: Any, **settings: Any) -> None:
    expected, result = (tiny.run(engine, samples, rows, images, **settings) for engine in (one, two))
    assert [row.token_ids for _, row in sorted(result.rows.items())] == [
        row.token_ids for _, row in sorted(expected.rows.items())
    ]
    assert result.summary is not None and expected.summary is not None
    assert result.summary.attestation == expected.summary.attestation
    for row, events in expected.attention.items():
        for theirs, mine in zip(events, result.attention[row], strict=True):
            assert np.allclose(theirs.weights, mine.weights, atol=1e-5)


PROMPTS = [
    tiny.sample("<image>\nWhat?", image=0),
    tiny.sample("Look: <image>\nPlease describe this image in detail.", image=1),
]
EDITS = [
    tiny.row(tiny.aai(), sample=0),
    tiny.row(sample=0),
    tiny.row(tiny.pai(), tiny.hgai(layers=(2, 4)), sample=1),
    tiny.row(tiny.vaf(), tiny.own_edit("own_aai"), sample=1),
    tiny.row(tiny.aai(alpha=0.2, layers=(0, 4), warmup=-1), sample=1),
]


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_searches_and_edits(search: Any, shared_engine: Engine, parted: Engine) -> None:
    """Edited rows of different ages in one batch, too small for all: rows enter as others leave."""
    compare(shared_engine, parted, PROMPTS, EDITS, tiny.pictures(2), search=search)
    compare(shared_engine, parted, PROMPTS, EDITS, tiny.pictures(2), search=search, batch_size=2)


@pytest.mark.parametrize("contrast", METHODS.values(), ids=METHODS)
def test_contrasts(contrast: Any, shared_engine: Engine, parted: Engine) -> None:
    compare(shared_engine, parted, PROMPTS, EDITS, tiny.pictures(2), tokens=6, contrast=contrast)


def test_capture(shared_engine: Engine, parted: Engine) -> None:
    policy = tiny.capture(keys="all")
    compare(shared_engine, parted, PROMPTS, EDITS, tiny.pictures(2), tokens=4, capture=policy)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_families(name: str, tmp_path: Path) -> None:
    folder = CHECKPOINTS[name](tmp_path)
    whole, parted = tiny.load(folder), spread(folder)
    edit = tiny.aai(warmup=1)
    rows = [tiny.row(edit, sample=0), tiny.row(edit, sample=1), tiny.row(sample=1)]
    compare(whole, parted, SAMPLES, rows, arrays(), tokens=5, capture=tiny.capture(keys="image"))
    search = SEARCHES["beam" if name in CROSS else "opera"]
    text = tiny.sample(QUESTION, image=None, template="chat")
    rows = [tiny.row(sample=2), *rows]
    compare(whole, parted, [*SAMPLES, text], rows, arrays(), search=search)


def test_what_is_asked_in_vain(checkpoint: Path) -> None:
    command = LoadCommand(
        source=str(checkpoint), revision=None, dtype="auto", device_map="auto", offline=True
    )
    with pytest.raises(WorkerError, match=r'deviceMap "auto" spreads a model over CUDA GPUs, .* on "cpu"'):
        Engine(device="cpu").load(command)
    check_placement(checkpoint, {"model": 0, "lm_head": 1})
    with pytest.raises(WorkerError, match="does not fit into the free memory of the GPUs: cpu and disk"):
        check_placement(checkpoint, {"model.a": 0, "model.b": "disk", "lm_head": "cpu"})
