"""The decode loop: one step after the other for all live rows; as rows end, waiting ones take their place.

Generated token number k of a row is fed at step k; step 0 feeds the last prompt token (see `prefix.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

import numpy as np
from torch import Tensor

from ..attention import AttentionStep, KeyLayout, Observer, Plan, RowEdit
from ..contrast import ContrastRecord, Streams
from ..errors import Cancelled
from ..events import Attention, Event
from ..kv.batch import CacheNode
from ..kv.prefix import Prefix
from ..memory import free_memory, is_out_of_memory
from ..observe.capture import Recorder, RowCapture
from ..protocol import Alternative, RowEvent, Token, TokensEvent
from ..search import FAILED, Answer, Choice, Search
from ..text.stream import TextStream
from .finite import explain_broken, find_broken

# Waiting rows enter once this share of the batch is free. On a CPU nearly all of it: beside older rows young
# ones pay for their length, too, and empty places cost nothing there (`python -m aai_worker.bench`).
_ENTRY = {"cpu": 0.9}
_ENTRY_ELSEWHERE = 0.125


@dataclass(eq=False)
class Row:
    """One answer being written, by one live row of the batch or by several (beams), which stand together."""

    number: int  # in the command
    prompt: list[int]
    prefix: Prefix
    other: Prefix  # what the second stream continues, where there is one
    limit: int  # at most so many tokens
    seed: int  # of its own random numbers
    image_keys: list[int]  # where the image tokens stand in the prompt
    edits: list[RowEdit]
    capture: RowCapture | None
    text: TextStream
    told: int  # tokens that the caller has from an earlier beginning, which ran out of memory
    ids: list[int] = field(default_factory=list)  # settled so far
    edited: list[bool] = field(default_factory=list)  # per step so far
    probes: list[float] = field(default_factory=list)
    contrasted: ContrastRecord = field(default_factory=ContrastRecord)
    live: int = 1
    nodes: list[CacheNode] = field(default_factory=list)  # of the live rows, where the search asks for them

    def active_edits(self) -> list[RowEdit]:
        return [edit for edit in self.edits if edit.active(len(self.edited))]


class Waiting(Protocol):
    """Rows that have not begun."""

    def __bool__(self) -> bool: ...

    def take(self, count: int) -> Generator[Event, None, list[Row]]:
        """The next rows, at most so many, ready to begin."""
        ...

    def give_back(self, row: Row) -> None:
        """One that will have to begin anew."""
        ...

    def attest(self, row: Row) -> Iterator[Event]:
        """What was done to one that has ended, told just before the row itself."""
        ...

    def finish(self, row: Row) -> None: ...


def decode(
    waiting: Waiting,
    streams: Streams,
    search: Search,
    recorder: Recorder | None,
    probes: list[int],
    batch_size: int,
    stream: bool,
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> Iterator[Event]:
    """Writes all that waits, at most `batch_size` live rows at once, fewer where memory ends.

    `probes`: ids whose logits at the first step are told with the row. `stream`: tokens are told as they
    come, not only each row as a whole.
    """
    planner = _Planner()
    if search.observer is not None:
        streams.track_nodes()
    capacity = max(1, batch_size // search.width)
    entry = _ENTRY.get(streams.device.type, _ENTRY_ELSEWHERE)
    rows: list[Row] = []
    while rows or waiting:
        if should_stop():
            raise Cancelled
        room = capacity - len(rows)
        if waiting and (not rows or room >= max(1, entry * capacity)):
            new = yield from waiting.take(room)
            streams.join([row.prefix for row in new], [row.other for row in new])
            rows += new
        layout = streams.layout
        plan = planner.plan(rows, layout)
        observer = _observe(rows, recorder, search, layout)
        logits = _step(streams, plan, observer, alone=len(rows) == 1)
        if logits is None:
            capacity = len(rows) // 2
            rows = _retreat(rows, capacity, streams, search, waiting)
            continue
        plan.settle()
        streams.record([row.contrasted for row in rows], [row.live for row in rows])
        for row in rows:
            row.edited.append(bool(row.active_edits()))
        if probes:
            _probe(rows, logits, probes)
        choices = _choose(search, logits, rows)
        progress()
        yield from _tell(rows, choices, recorder, layout, stream, waiting)
        rows = _advance(rows, choices, streams, search, waiting)


class _Planner:
    """Plans change only when a warm-up ends or rows come and go: the last one is kept."""

    def __init__(self) -> None:
        self._plan = Plan([], KeyLayout(0))

    def plan(self, rows: list[Row], layout: KeyLayout) -> Plan:
        edits = []
        for row in rows:
            active = row.active_edits()
            for edit in active:
                edit.generated = len(row.edited)
            edits += [active] * row.live
        if edits != self._plan.edits or layout != self._plan.layout:  # by identity: edits compare as objects
            self._plan = Plan(edits, layout)
        return self._plan


def _observe(
    rows: list[Row], recorder: Recorder | None, search: Search, layout: KeyLayout
) -> Observer | None:
    """Who sees the next step's attention."""
    if recorder is not None:
        recorder.begin([row.capture for row in rows], layout)
        return recorder
    if search.observer is not None:
        search.observer.begin(layout)
    return search.observer


def _step(streams: Streams, plan: Plan, observer: Observer | None, alone: bool) -> Tensor | None:
    """Next-token logits [R, V]; None where memory ran out and fewer rows may fit."""
    needed = observer is not None or any(plan.edits)
    attention = AttentionStep(plan, observer) if needed else None
    try:
        return streams.step(attention)
    except Exception as error:
        if alone or not is_out_of_memory(error):
            raise
        plan.forget()
        return None


def _choose(search: Search, logits: Tensor, rows: list[Row]) -> Sequence[Choice]:
    """What the rows do next; those whose logits [R, V] are no numbers fail, and the others do not notice."""
    broken = set(find_broken(logits))
    if not broken:
        return search.step(logits, rows)  # type: ignore[arg-type]
    owners = [index for index, row in enumerate(rows) for _ in range(row.live)]
    failed = {owners[live] for live in broken}
    kept = [live for live, owner in enumerate(owners) if owner not in failed]
    if search.observer is not None:
        search.observer.keep(kept)
    sound = [row for index, row in enumerate(rows) if index not in failed]
    choices = iter(search.step(logits[kept], sound) if sound else [])  # type: ignore[arg-type]
    return [FAILED if index in failed else next(choices) for index in range(len(rows))]


def _probe(rows: list[Row], logits: Tensor, probes: list[int]) -> None:
    first = 0
    for row in rows:
        row.probes = row.probes or logits[first, probes].tolist()
        first += row.live


def _retreat(rows: list[Row], capacity: int, streams: Streams, search: Search, waiting: Waiting) -> list[Row]:
    """The rows written furthest go on; the others wait to begin anew."""
    furthest = sorted(range(len(rows)), key=lambda index: -len(rows[index].edited))
    kept = sorted(furthest[:capacity])
    for index in reversed(sorted(furthest[capacity:])):
        search.forget(rows[index].number)
        waiting.give_back(rows[index])
    firsts = list(accumulate([row.live for row in rows], initial=0))
    streams.keep([live for index in kept for live in range(firsts[index], firsts[index + 1])])
    free_memory(streams.device)
    return [rows[index] for index in kept]


def _tell(
    rows: list[Row],
    choices: Sequence[Choice],
    recorder: Recorder | None,
    layout: KeyLayout,
    stream: bool,
    waiting: Waiting,
) -> Iterator[Event]:
    tokens: list[list[Token]] = []
    if stream or recorder is not None:
        tokens = [_write(row, choice) for row, choice in zip(rows, choices, strict=True)]
    else:
        for row, choice in zip(rows, choices, strict=True):
            row.ids += choice.settled
    if stream:
        news = [one for row, new in zip(rows, tokens, strict=True) for one in new if one.step >= row.told]
        if news:
            yield TokensEvent(tokens=news)
    if recorder is not None:
        yield from _captured(rows, tokens, choices, recorder.take(), layout)
    for row, choice in zip(rows, choices, strict=True):
        if choice.finish is None:
            continue
        yield from waiting.attest(row)
        if choice.finish == "failed":
            yield _failed(row)
            continue
        yield RowEvent(
            row=row.number,
            text=row.text.text if tokens else row.text.whole(row.ids, choice.finish == "stop"),
            token_ids=row.ids,
            finish_reason=choice.finish,
            alternatives=[_alternative(row, answer) for answer in choice.alternatives],
            probes=row.probes,
            fault=None,
        )


def _failed(row: Row) -> RowEvent:
    return RowEvent(
        row=row.number,
        text="",
        token_ids=[],
        finish_reason="failed",
        alternatives=[],
        probes=[],
        fault=explain_broken(len(row.edited) - 1),
    )


def _write(row: Row, choice: Choice) -> list[Token]:
    """All beams of a row are of one age: token k of the answer was chosen in step k, whichever beam won."""
    tokens = []
    for index, id in enumerate(choice.settled, start=1):
        step = len(row.ids)
        row.ids.append(id)
        reason = choice.finish if index == len(choice.settled) else None
        text = _push(row.text, id, reason)
        tokens.append(Token(row=row.number, step=step, id=id, text=text, edited=row.edited[step]))
    return tokens


def _alternative(row: Row, answer: Answer) -> Alternative:
    text = row.text.whole(answer.ids, answer.finish == "stop")
    return Alternative(text=text, token_ids=answer.ids, finish_reason=answer.finish)


def _push(text: TextStream, id: int, reason: str | None) -> str:
    """As in transformers' `generate`, the stop token is one of the ids; it is no part of the text."""
    if reason == "stop":
        return text.stop(id)
    return text.push(id) + (text.end() if reason == "length" else "")


def _captured(
    rows: list[Row],
    tokens: list[list[Token]],
    choices: Sequence[Choice],
    weights: np.ndarray,
    layout: KeyLayout,
) -> Iterator[Attention]:
    """Where attention is captured, a row has one live row and settles one token a step, unless it fails."""
    for index, (row, settled, choice) in enumerate(zip(rows, tokens, choices, strict=True)):
        if row.capture is None or choice.finish == "failed":
            continue
        (token,) = settled
        last = choice.finish is not None
        for event in row.capture.push(token.step, weights[:, index], layout, token.text, last):
            if event.body.step >= row.told:
                yield event


def _advance(
    rows: list[Row], choices: Sequence[Choice], streams: Streams, search: Search, waiting: Waiting
) -> list[Row]:
    """The rows that go on."""
    for row, choice in zip(rows, choices, strict=True):
        if choice.finish is not None:
            search.forget(row.number)
            waiting.finish(row)
    firsts = list(accumulate([row.live for row in rows], initial=0))
    going = _close_ranks([index for index, choice in enumerate(choices) if choice.finish is None], rows)
    parents: list[int] = []
    tokens: list[int] = []
    resumed: dict[int, CacheNode] = {}
    for index in going:
        choice = choices[index]
        resumed |= enumerate(choice.nodes or [], start=len(tokens))
        parents += [firsts[index] + parent for parent in choice.parents]
        tokens += choice.tokens
    streams.advance(parents, tokens, resumed)

    first = 0
    for index in going:
        row, choice = rows[index], choices[index]
        row.live = len(choice.tokens)
        if streams.nodes is not None:
            row.nodes = [node for node in streams.nodes[first : first + row.live] if node is not None]
        if choice.nodes:
            del row.edited[choice.nodes[0].depth + 1 :]  # one step fed the end of the prompt
        first += row.live
    return [rows[index] for index in going]


def _close_ranks(going: list[int], rows: list[Row]) -> list[int]:
    """Where each has one live row the last ones step into the places of those that left: few keys move."""
    if any(row.live > 1 for row in rows):
        return going
    count = len(going)
    stay, movers = set(going) & set(range(count)), [index for index in going if index >= count]
    return [index if index in stay else movers.pop() for index in range(count)]
