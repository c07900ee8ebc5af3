"""Every attention edit, contrast and search together: no row depends on its batch, neutral is plain."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import tiny
import torch
from test_contrast import METHODS as CONTRAST_PARAMETERS
from torch import Tensor

from aai_worker.attention import METHODS
from aai_worker.contrast import CONTRASTS, Streams
from aai_worker.engine import Engine
from aai_worker.protocol import (
    ApcOnlyParameters,
    BeamParameters,
    GreedyParameters,
    IcdParameters,
    M3idParameters,
    OperaParameters,
    PaiCfgParameters,
    SampleParameters,
    SidParameters,
    VcdParameters,
)
from aai_worker.search import SEARCHES

pytestmark = pytest.mark.slow

TOKENS = 13  # beyond OPERA's first ten
SAMPLES = [
    tiny.sample("<image>\nWhat?", image=0),
    tiny.sample("Look: <image>\nPlease describe this.", image=1),
]
EDITS: dict[str, Any] = {
    "none": [],
    "aai": [tiny.aai(alpha=0.8, warmup=1)],
    "pai": [tiny.pai()],
    "hgai": [tiny.hgai(layers=(1, 3))],
    "vaf": [tiny.vaf(layers=(1, 3))],
    "paint": [tiny.paint()],
    "plugin": [tiny.own_edit("own_aai", warmup=1, alpha=0.6)],
}
STREAMS: dict[str, Any] = {"none": None, **CONTRAST_PARAMETERS}
SEARCH_PARAMETERS: dict[str, Any] = {
    "greedy": GreedyParameters(max_new_tokens=TOKENS),
    "sample": SampleParameters(
        max_new_tokens=TOKENS,
        temperature=1.2,
        top_k=50,
        top_p=0.95,
        min_p=0.0,
        repetition_penalty=1.1,
        seed=5,
    ),
    "beam": BeamParameters(
        max_new_tokens=TOKENS, num_beams=3, length_penalty=1.0, early_stopping=False, num_return=1
    ),
    "opera": OperaParameters(
        max_new_tokens=TOKENS,
        num_beams=3,
        length_penalty=1.0,
        scale_factor=50.0,
        threshold=2,
        num_attn_candidates=4,
        penalty_weights=1.0,
        mode="clean",
    ),
}


def run(engine: Engine, rows: list[Any], contrast: str, search: str) -> tiny.Run:
    return tiny.run(
        engine, SAMPLES, rows, tiny.pictures(2), search=SEARCH_PARAMETERS[search], contrast=STREAMS[contrast]
    )


def test_all_methods_are_in_the_matrix() -> None:
    assert set(EDITS) == {"none", *METHODS}
    assert set(STREAMS) == {"none", *CONTRASTS}
    assert set(SEARCH_PARAMETERS) == set(SEARCHES)


@pytest.mark.parametrize(("contrast", "search"), list(product(STREAMS, SEARCH_PARAMETERS)))
def test_rows_do_not_depend_on_their_batch(contrast: str, search: str, engine: Engine) -> None:
    """Of every combination with the attention edits, all in one batch."""
    rows = [tiny.row(*edits, sample=sample) for edits in EDITS.values() for sample in (0, 1)]
    together = run(engine, rows, contrast, search)
    again = run(engine, rows, contrast, search)
    assert [together.ids(number) for number in range(len(rows))] == [
        again.ids(number) for number in range(len(rows))
    ]
    for number in (0, 3, 4, 7, 8, 11, 12):  # every attention method, with one sample or the other
        assert together.ids(number) == run(engine, [rows[number]], contrast, search).ids()
    assert len({tuple(together.ids(number)) for number in range(len(rows))}) >= 6


NEUTRAL = [
    [tiny.aai(alpha=0.0, beta=1.0, warmup=-1)],
    [tiny.pai(alpha=0.0)],
    [tiny.hgai(alpha=0.0)],
    [tiny.vaf(enhance=1.0, suppress=1.0)],
    [tiny.paint(alpha=0.0, beta=0.0)],
    [tiny.own_edit("own_pai", alpha=0.0)],
]


NEUTRAL_CONTRASTS = {
    "vcd": VcdParameters(alpha=0.0, beta=0.0, noise_step=500, seed=3),
    "apcOnly": ApcOnlyParameters(beta=0.0),
    "m3id": M3idParameters(decay=0.0, first_step=1, beta=0.0),
    "paiCfg": PaiCfgParameters(gamma=1.0, beta=0.0),
    "icd": IcdParameters(alpha=0.0, beta=0.0, disturbance="Be confused."),
    "sid": SidParameters(alpha=0.0, beta=0.0, keep=5, layer=2),
    "plugin": tiny.own_contrast("own_vcd", alpha=0.0, cut=False),
}


@pytest.mark.parametrize("search", SEARCH_PARAMETERS)
def test_neutral_is_plain_bit_for_bit(search: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In all logits that the search is given. DoLa and DeCo have no neutral parameter."""
    assert {*CONTRASTS} - {*NEUTRAL_CONTRASTS} == {"dola", "deco"}
    assert {edit.parameters.__struct_config__.tag for (edit,) in NEUTRAL} == set(METHODS)
    seen: list[Tensor] = []
    step = Streams.step

    def noted(self: Streams, attention: Any) -> Tensor:
        logits = step(self, attention)
        seen.append(logits.clone())
        return logits

    monkeypatch.setattr(Streams, "step", noted)
    plain = run(engine, [tiny.row()], "none", search).ids()
    expected = list(seen)
    for edits in NEUTRAL:
        seen.clear()
        assert run(engine, [tiny.row(*edits)], "none", search).ids() == plain
        assert all(map(torch.equal, seen, expected)) and len(seen) == len(expected)
    for name, neutral in NEUTRAL_CONTRASTS.items():
        monkeypatch.setitem(STREAMS, name, neutral)
        seen.clear()
        assert run(engine, [tiny.row()], name, search).ids() == plain
        assert all(map(torch.equal, seen, expected)) and len(seen) == len(expected)


@pytest.mark.parametrize("search", ["beam", "opera"])
def test_stop_tokens_end_rows_at_different_times(
    search: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that leave do not disturb those that stay, whatever number of live rows they have."""
    rows = [tiny.row(*edits, sample=sample) for edits in EDITS.values() for sample in (0, 1)]
    model = engine._find("m1").model
    said = run(engine, rows, "vcd", search)
    monkeypatch.setattr(model, "stop_ids", frozenset(said.ids(0)[2:6] + said.ids(1)[4:9]))
    together = run(engine, rows, "vcd", search)
    for number, row in enumerate(rows):
        assert together.ids(number) == run(engine, [row], "vcd", search).ids()
    assert len({len(together.ids(number)) for number in range(len(rows))}) > 1
