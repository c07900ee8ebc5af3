"""OPERA: mode "faithful" retraces the released code, mode "clean" mends its faults one by one."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
from transformers import GenerationConfig

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.models.opera import OperaPrompt
from aai_worker.protocol import BeamParameters, M3idParameters, OperaParameters
from aai_worker.search import SEARCHES
from aai_worker.search.hypotheses import Hypotheses
from aai_worker.search.opera import Opera, _Beams, _Snapshot, _State
from aai_worker.search.overtrust import extend_products, measure_overtrust, most_common
from aai_worker.text.stops import Stops

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures" / "opera"
TRACES = json.loads((FIXTURES / "golden.json").read_text())


def opera(mode: str = "faithful", **settings: Any) -> OperaParameters:
    published = {
        "max_new_tokens": 40,
        "num_beams": 3,
        "length_penalty": 1.0,
        "scale_factor": 50.0,
        "threshold": 2,
        "num_attn_candidates": 5,
        "penalty_weights": 1.0,
    }
    return OperaParameters(mode=mode, **{**published, **settings})  # type: ignore[arg-type]


def settings_of(trace: dict[str, Any]) -> dict[str, Any]:
    return {name: trace[name] for name in OperaParameters.__struct_fields__ if name in trace}


def grouped() -> list[Any]:
    """Traces that differ in the image only: the rows of one command."""
    groups = defaultdict(list)
    for trace in TRACES:
        key = (trace["checkpoint"], *settings_of(trace).values())
        groups[key].append(trace)
    return [pytest.param(group, id="-".join(map(str, key))) for key, group in groups.items()]


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    return {name: tiny.load(FIXTURES / name) for name in ("checkpoint-a", "checkpoint-b")}


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Those that ran."""
    seen: list[Any] = []

    class Spy(Opera):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.returns: dict[int, int] = {}
            seen.append(self)

        def forget(self, number: int) -> None:
            self.returns[number] = self._states[number].returns.total()
            super().forget(number)

    monkeypatch.setitem(SEARCHES, "opera", Spy)
    return seen


def run(
    engine: Engine, group: list[dict[str, Any]], search: Any, *edits: Any, contrast: Any = None
) -> tiny.Run:
    """One row per trace."""
    samples = [tiny.sample(trace["prompt"], image=index) for index, trace in enumerate(group)]
    images = [tiny.frame((FIXTURES / trace["image"]).read_bytes()) for trace in group]
    rows = [tiny.row(*edits, sample=index) for index in range(len(group))]
    return tiny.run(engine, samples, rows, images, search=search, contrast=contrast)


@pytest.mark.parametrize("group", grouped())
def test_every_trace_of_the_released_code(
    group: list[dict[str, Any]], engines: dict[str, Engine], searches: list[Any]
) -> None:
    result = run(engines[group[0]["checkpoint"]], group, opera(**settings_of(group[0])))

    assert len(group) == 3
    assert [result.ids(row) for row in range(3)] == [trace["tokens"] for trace in group]
    assert not searches[0]._states
    assert [searches[0].returns[row] for row in range(3)] == [trace["rollbacks"] for trace in group]


RESTLESS = max(TRACES, key=lambda trace: trace["rollbacks"])


@pytest.mark.parametrize("mode", ["faithful", "clean"])
def test_rows_do_not_depend_on_their_batch(
    mode: str, engines: dict[str, Engine], searches: list[Any]
) -> None:
    """While one row goes back, the others go on; prompts of two lengths, with and without AAI."""
    engine = engines[RESTLESS["checkpoint"]]
    images = [tiny.frame((FIXTURES / "images" / f"{index}.png").read_bytes()) for index in range(3)]
    samples = [
        tiny.sample(prompt, image=image)
        for prompt in (RESTLESS["prompt"], "<bos> USER: <image> w1 ASSISTANT:")
        for image in (0, 2)
    ]
    edits = [tiny.aai(alpha=0.5, layers=(1, 3), warmup=3)]
    rows = [tiny.row(*edit, sample=index) for index, edit in enumerate([[], edits, edits, []])]
    search = opera(mode, **{**settings_of(RESTLESS), "max_new_tokens": 40})
    together = tiny.run(engine, samples, rows, images, search=search)
    for number, row in enumerate(rows):
        alone = tiny.run(engine, samples, [row], images, search=search)
        assert together.ids(number) == alone.ids()
    assert len({tuple(together.ids(number)) for number in range(4)}) == 4
    assert max(searches[0].returns.values()) > 2


def test_clean_goes_another_way(engines: dict[str, Engine]) -> None:
    trace = next(trace for trace in TRACES if trace["rollbacks"] == 15)
    engine, settings = engines[trace["checkpoint"]], settings_of(trace)
    clean = run(engine, [trace], opera("clean", **settings)).ids()

    assert clean != trace["tokens"], "which mode faithful retraces"
    assert len(clean) == len(trace["tokens"])


def test_without_penalty_and_returns_clean_is_beam_search(engines: dict[str, Engine]) -> None:
    """With the whole vocabulary as candidates and no weight on penalties nothing of OPERA is left."""
    trace = TRACES[0]
    engine = engines[trace["checkpoint"]]
    plain = BeamParameters(
        max_new_tokens=24, num_beams=3, length_penalty=1.0, early_stopping=False, num_return=1
    )
    whole = opera("clean", max_new_tokens=24, num_attn_candidates=64, threshold=1000, penalty_weights=0.0)
    assert run(engine, [trace], whole).ids() == run(engine, [trace], plain).ids()


@pytest.mark.parametrize("warmup", [2, 14, 25])
@pytest.mark.parametrize(
    "contrast", [None, M3idParameters(decay=0.02, first_step=1, beta=0.0)], ids=["", "m3id"]
)
def test_what_is_restored_is_what_was(
    contrast: Any, warmup: int, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a return under AAI the logits are those of the first time, but for rounding in other shapes.

    Whether it goes back to before the edit began or not; and a plug-in that asks is given the age of its row.
    """
    edits = [tiny.aai(alpha=0.6, layers=(0, 3), warmup=warmup), tiny.own_edit("watch", layers=(0, 1))]
    watched = tiny.seen_by_watch(edits[1])
    seen: dict[tuple[int, ...], torch.Tensor] = {}
    differences = []

    class Spy(Opera):
        def _choose_again(self, state: Any, row: Any, logits: torch.Tensor) -> Any:
            assert watched[-1] == (0, len(state.beams.ids[0]))
            for ids, mine in zip(state.beams.ids, logits, strict=True):
                differences.append(float((mine - seen[tuple(ids)]).abs().max()))
            return super()._choose_again(state, row, logits)

        def _propose(self, state: Any, logits: torch.Tensor, live: list[int]) -> Any:
            for ids, mine in zip(state.beams.ids, logits, strict=False):
                seen[tuple(ids)] = mine
            return super()._propose(state, logits, live)

    monkeypatch.setitem(SEARCHES, "opera", Spy)
    engine = engines[RESTLESS["checkpoint"]]
    search = opera("clean", **{**settings_of(RESTLESS), "threshold": 2})
    result = run(engine, [RESTLESS], search, *edits, contrast=contrast)

    assert differences, "the run is meant to go back"
    assert max(differences) < 1e-4
    ages = [age for _, age in watched]
    back = [after for before, after in pairwise(ages) if after < before]
    assert warmup == 2 or min(back) <= warmup < max(ages), "some returns are meant to end before it begins"
    assert result.summary is not None
    aai, watch = result.summary.attestation
    assert 0 < aai.steps < watch.steps


def test_worked_vector() -> None:
    """Attention among three tokens, rows already normalised; between them and the prompt one key each."""
    rows = [[0.20], [0.30, 0.10], [0.25, 0.05, 0.10]]
    products = torch.empty(1, 0)
    for length, row in enumerate(rows, start=1):
        attention = torch.tensor([[1 - sum(row), *row]])
        products = extend_products(products, attention, attention[:, 1 : length + 1], 50.0)
    assert products[0].tolist() == pytest.approx([1875, 12.5, 5])

    early = measure_overtrust(products, torch.tensor([[2.0, 1.0, 1.0]]), [0, 1], torch.float32)
    assert early.penalty.tolist() == pytest.approx([-0.75]), "at first attention to the image is a reward"
    late = torch.cat([products, torch.zeros(1, 8)], dim=1)
    found = measure_overtrust(late, torch.ones(1, 20), [0], torch.float32)
    assert (found.penalty.tolist(), found.anchors) == ([pytest.approx(1.875e-4)], [0])
    assert 1e-7 * 2.5**20 == pytest.approx(9.09, abs=0.01)


def test_most_common_is_the_mode() -> None:
    for positions in ([3, 1, 3, 1], [5], [2, 2, 9], [7, 6, 5]):
        assert most_common(positions) == int(torch.tensor(positions).mode().values)


def create(mode: str, **settings: Any) -> Opera:
    decoder = SimpleNamespace(generation_config=GenerationConfig())
    model = SimpleNamespace(layers=3, cross_layers=frozenset(), stops=Stops(frozenset([2])), decoder=decoder)
    return Opera(opera(mode, **settings), model)  # type: ignore[arg-type]


def state_of(length: int) -> _State:
    """Two beams after `length` tokens, with a history of all their steps."""
    state = _State(None, OperaPrompt([], []))  # type: ignore[arg-type]
    ended = Hypotheses(2, 1.0, 10)
    for step in range(length + 1):
        beams = _Beams(
            [[8] * step, [9] * step],
            torch.tensor([-1.0, -2.0]),
            torch.zeros(2, step),
            [[0] * (step + 1), [1] * (step + 1)],
            ended,
        )
        state.history.append(_Snapshot(beams, [], [(0, 8), (1, 9)]))
    state.beams = state.history[-1].beams
    return state


@pytest.mark.parametrize("mode", ["faithful", "clean"])
def test_ended_beams_of_an_abandoned_branch(mode: str) -> None:
    """Released: they leak into the second return to the same place. Clean: what is restored is a copy."""
    state, search = state_of(16), create(mode, num_beams=2)
    search._restore(state, 12)
    state.beams.ended.add([8, 2], -0.1, 1)  # on a branch that is to be abandoned
    state.history += state_of(16).history[13:]
    search._restore(state, 12)

    assert bool(state.beams.ended._ended) == (mode == "faithful")


@pytest.mark.parametrize("mode", ["faithful", "clean"])
def test_anchors_follow_their_beams(mode: str) -> None:
    """Both beams of the next step continue beam 1, of whose anchors the released code forgets one half."""
    state, search = state_of(3), create(mode, num_beams=2)
    logits = torch.full((2, 64), -50.0)
    logits[1, [20, 21]] = 10.0
    state.beams.scores = torch.tensor([-90.0, -1.0])
    search._advance(state, logits, SimpleNamespace(limit=40))  # type: ignore[arg-type]

    assert state.chosen == [(1, 20), (1, 21)]
    own, other = [1] * 4, [0] * 4
    assert state.beams.anchors == ([other, own] if mode == "faithful" else [own, own])


@pytest.mark.parametrize("mode", ["faithful", "clean"])
def test_rejected_tokens_are_forgotten(mode: str) -> None:
    """After a return to 11 the sentence is another one: what was rejected at 14 has no meaning any longer."""
    state, search = state_of(16), create(mode, num_beams=2)
    search._restore(state, 14)
    assert state.rejected[14] == {(0, 8), (1, 9)}
    state.history += state_of(16).history[15:]
    search._restore(state, 11)

    assert state.rejected.get(14, set()) == ({(0, 8), (1, 9)} if mode == "faithful" else set())
    assert state.rejected[11] == {(0, 8), (1, 9)}


@pytest.mark.parametrize(("mode", "probability"), [("faithful", 1 / 64), ("clean", 0.0)])
def test_rejected_tokens(mode: str, probability: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Released: they are as likely as the least likely token, which under flat logits is as likely as any."""
    state, search = state_of(12), create(mode, num_beams=2)
    state.rejected[12] = {(0, 8), (1, 9)}
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(search, "_advance", lambda state, logits, row: seen.append(logits) or "finished")
    search._choose_again(state, SimpleNamespace(), torch.full((2, 64), 3.0))  # type: ignore[arg-type]

    (probabilities,) = (logits.softmax(dim=1) for logits in seen)
    assert [float(probabilities[0, 8]), float(probabilities[1, 9])] == pytest.approx([probability] * 2)
    assert float(probabilities[0, 9]) > 0


def test_scores_in_half_precision() -> None:
    """Released: beyond 65504 a penalty is infinite, below 6e-8 none; clean keeps both."""
    products = torch.ones(2, 12) * torch.tensor([[1e13], [1e-2]])
    attention = torch.ones(2, 20)
    half = measure_overtrust(products, attention, [0], torch.float16)
    full = measure_overtrust(products, attention, [0], torch.float32)

    assert half.penalty.tolist() == [float("inf"), 0.0]
    assert full.penalty.tolist() == pytest.approx([1e6, 1e-9])


@pytest.mark.parametrize("mode", ["faithful", "clean"])
def test_stop_tokens_among_the_first_candidates(
    mode: str, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two candidates are none for three beams: all go on from the prompt, the third with any token."""
    engine = engines[TRACES[0]["checkpoint"]]
    steps: list[tuple[list[list[int]], torch.Tensor, list[int]]] = []

    class Spy(Opera):
        def _propose(self, state: Any, logits: torch.Tensor, live: list[int]) -> Any:
            choice = super()._propose(state, logits, live)
            steps.append((state.beams.ids, logits, choice.tokens))
            return choice

    monkeypatch.setitem(SEARCHES, "opera", Spy)
    search = opera(mode, max_new_tokens=8, length_penalty=0.0)
    run(engine, TRACES[:1], search)
    (_, _, candidates), (begun, plain, _) = steps[:2]
    stop_ids = set(candidates) - {begun[0][0], begun[1][0]}
    steps.clear()

    monkeypatch.setattr(engine._find("m1").model, "stop_ids", frozenset(stop_ids))
    ids = run(engine, TRACES[:1], search).ids()
    begun_again, logits, _ = steps[1]
    assert begun_again[:2] == begun[:2]
    assert (logits[:2] - plain[:2]).abs().max() < 1e-4
    assert run(engine, TRACES[:2], search).ids() == ids


def test_errors_are_not_swallowed(engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise IndexError("out of memory, or whatever")

    monkeypatch.setattr("aai_worker.search.opera.measure_overtrust", fail)
    with pytest.raises(IndexError, match="or whatever"):
        run(engines["checkpoint-a"], TRACES[:1], opera("clean"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_beams": 1}, "numBeams is 1; it must be 2 or more"),
        ({"num_attn_candidates": 2}, r"numAttnCandidates is 2; it must be numBeams \(3\) or more"),
        ({"threshold": 1}, "threshold is 1; it must be 2 or more"),
        ({"max_new_tokens": 513}, "maxNewTokens is 513; it must be at most 512"),
    ],
)
def test_refused(settings: dict[str, Any], message: str, engines: dict[str, Engine]) -> None:
    with pytest.raises(WorkerError, match=message):
        run(engines["checkpoint-a"], TRACES[:1], opera("faithful", **settings))


def test_capture_is_refused(engines: dict[str, Engine]) -> None:
    with pytest.raises(WorkerError, match="greedy and sample only"):
        tiny.run(
            engines["checkpoint-a"],
            [tiny.sample(TRACES[0]["prompt"])],
            [tiny.row()],
            [tiny.frame((FIXTURES / "images" / "0.png").read_bytes())],
            search=opera(),
            capture=tiny.capture(),
        )
