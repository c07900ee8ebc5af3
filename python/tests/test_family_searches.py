"""Every family under every search and contrast: a batch of two images against each row alone.

The images differ in size, and with it the length of the prompts where a family cuts images by size; the
second row is edited besides. Sampled tokens are drawn twice: in the batch and alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import converted
import families
import msgspec
import published
import pytest
import test_blip2
import tiny
from families import CROSS, FAMILIES, VARIANTS
from family_case import SAMPLES, TOKENS, arrays
from test_contrast import METHODS, sid
from test_matrix import SEARCH_PARAMETERS

from aai_worker.contrast import CONTRASTS
from aai_worker.models import FAMILIES as ADAPTERS
from aai_worker.search import SEARCHES

pytestmark = pytest.mark.slow


def convert_minigpt4(folder: Path) -> Path:
    files = dict(zip(("vision", "qformer", "projector", "llm"), published.minigpt4(folder), strict=True))
    return converted.convert("minigpt4", folder / "out", **files)


def convert_shikra(folder: Path) -> Path:
    files = dict(zip(("delta", "base", "vision"), published.shikra(folder), strict=True))
    return converted.convert("shikra", folder / "out", **files)


CHECKPOINTS: dict[str, Callable[[Path], Path]] = {
    **{name: partial(families.save, family) for name, family in {**FAMILIES, **VARIANTS}.items()},
    "llava": tiny.save_checkpoint,
    "blip-2": test_blip2.save,
    "instructblip": test_blip2.save_instructblip,
    "minigpt4": convert_minigpt4,
    "shikra": convert_shikra,
}
# OPERA goes back beyond its first ten tokens only.
LENGTHS = {"opera": 13}
STREAMS: dict[str, Any] = {**METHODS, "sid": sid(keep=3)}  # BLIP-2 has five image tokens


def combine(name: str) -> list[tuple[str, str]]:
    """All searches plain; each contrast under one of them, which is another one in the next family."""
    searches, number = list(SEARCH_PARAMETERS), list(CHECKPOINTS).index(name)
    turns = [(searches[(number + place) % len(searches)], contrast) for place, contrast in enumerate(STREAMS)]
    pairs = [*((search, "none") for search in searches), *turns]
    if name not in CROSS:
        return pairs
    return [pair for pair in pairs if "opera" not in pair and "sid" not in pair]  # refused: test_mllama.py


def test_every_combination_has_its_turn() -> None:
    assert set(ADAPTERS) <= set(CHECKPOINTS)
    assert (set(SEARCH_PARAMETERS), set(STREAMS)) == (set(SEARCHES), set(CONTRASTS))
    met = {pair for name in CHECKPOINTS for pair in combine(name)}
    assert met == {(search, contrast) for search in SEARCH_PARAMETERS for contrast in ["none", *STREAMS]}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_rows_do_not_depend_on_their_batch(name: str, tmp_path: Path) -> None:
    engine = tiny.load(CHECKPOINTS[name](tmp_path))
    rows = {}
    for search, contrast in combine(name):
        parameters = msgspec.structs.replace(
            SEARCH_PARAMETERS[search], max_new_tokens=LENGTHS.get(search, TOKENS)
        )
        for sample, edits in enumerate(([], [tiny.aai(warmup=1)])):
            row = tiny.row(*edits, sample=sample, search=parameters, contrast=STREAMS.get(contrast))
            rows[search, contrast, sample] = row
    other_seed = msgspec.structs.replace(SEARCH_PARAMETERS["sample"], max_new_tokens=TOKENS, seed=6)
    rows["sample", "seed 6", 0] = tiny.row(search=other_seed)

    together = tiny.run(engine, SAMPLES, list(rows.values()), arrays())
    said = {key: together.ids(number) for number, key in enumerate(rows)}
    assert said == {key: tiny.run(engine, SAMPLES, [row], arrays()).ids() for key, row in rows.items()}
    assert said["sample", "none", 0] != said["sample", "seed 6", 0]
    assert len({tuple(ids) for ids in said.values()}) > len(rows) // 3
