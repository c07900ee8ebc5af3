"""All attention methods x contrasts x searches: each runs, is deterministic, and in a batch as alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import tiny
from test_contrast import METHODS as CONTRAST_PARAMETERS

from aai_worker.attention import METHODS
from aai_worker.contrast import CONTRASTS
from aai_worker.engine import Engine
from aai_worker.protocol import BeamParameters, GreedyParameters, OperaParameters, SampleParameters
from aai_worker.search import SEARCHES

TOKENS = 5

EDITS: dict[str, list[Any]] = {
    "none": [],
    "aai": [tiny.aai(alpha=0.8, warmup=1)],
    "pai": [tiny.pai(alpha=0.8)],
    "hgai": [tiny.hgai(alpha=0.8)],
    "vaf": [tiny.vaf(enhance=1.5, suppress=0.6)],
}

SEARCH_PARAMETERS: dict[str, Any] = {
    "greedy": GreedyParameters(max_new_tokens=TOKENS),
    "sample": SampleParameters(
        max_new_tokens=TOKENS, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0, seed=7
    ),
    "beam": BeamParameters(max_new_tokens=TOKENS, num_beams=3, length_penalty=1.0, early_stopping=False),
    "opera": OperaParameters(
        max_new_tokens=TOKENS,
        num_beams=2,
        length_penalty=1.0,
        scale_factor=50.0,
        threshold=15,
        num_attn_candidates=3,
        penalty_weights=1.0,
        mode="clean",
    ),
}

SAMPLES = [tiny.sample("<image>\nWhat?"), tiny.sample("Look: <image>\nPlease describe it.", image=1)]


def test_the_matrix_is_whole() -> None:
    assert EDITS.keys() == {"none", *METHODS}
    assert CONTRAST_PARAMETERS.keys() == CONTRASTS.keys()
    assert SEARCH_PARAMETERS.keys() == SEARCHES.keys()


@pytest.mark.parametrize(("contrast", "search"), [*product(["none", *CONTRASTS], SEARCHES)])
def test_every_combination(contrast: str, search: str, engine: Engine) -> None:
    def run(rows: list[Any]) -> list[list[int]]:
        result = tiny.run(
            engine,
            SAMPLES,
            rows,
            tiny.pictures(2),
            contrast=CONTRAST_PARAMETERS.get(contrast),
            search=SEARCH_PARAMETERS[search],
        )
        return [result.ids(row) for row in range(len(rows))]

    rows = [tiny.row(*edits, sample=sample) for edits in EDITS.values() for sample in (0, 1)]
    together = run(rows)
    assert all(len(ids) == TOKENS for ids in together)
    assert together == run(rows)
    for number in (0, 3, 4, 7, 8):  # every attention method, with one sample or the other
        assert run([rows[number]]) == [together[number]]
