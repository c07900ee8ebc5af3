"""The decode loop: one step after the other for all live rows; as rows end, waiting rows take their place.

Step 0 of a row feeds the last prompt token (see `kv/prefix.py`), step k its k-th generated token.
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

# Waiting rows enter once this share of the batch is free. On a CPU that is nearly all of it: young rows would
# pay for the length of the old ones beside them, and free places cost nothing (`python -m aai_worker.bench`).
_ENTRY = {"cpu": 0.9}
_ENTRY_ELSEWHERE = 0.125


@dataclass(eq=False)
class Row:
    """A row of the command while it is written, by one live row of the batch or by several (beams).

    Several live rows of a row are neighbours in the batch.
    """

    number: int  # of the row, in the command
    prompt: list[int]  # token ids
    prefix: Prefix
    other_prefix: Prefix  # the prefix in the second stream; `prefix` itself where there is none
    limit: int  # the most tokens of the answer
    seed: int  # of the row's own random numbers
    image_positions: list[int]  # the key positions of the image's tokens
    edits: list[RowEdit]
    capture: RowCapture | None
    text: TextStream
    # The number of tokens that the caller has already, from an earlier beginning that ran out of memory.
    sent: int
    ids: list[int] = field(default_factory=list)  # the answer's token ids that are settled so far
    edited: list[bool] = field(default_factory=list)  # per step so far, whether an edit was active
    probes: list[float] = field(default_factory=list)  # the probes' logits at the first step
    contrast_record: ContrastRecord = field(default_factory=ContrastRecord)
    live: int = 1  # the number of live rows of the batch that write it
    nodes: list[CacheNode] = field(default_factory=list)  # per live row, where the search asks for them

    def active_edits(self) -> list[RowEdit]:
        return [edit for edit in self.edits if edit.active(len(self.edited))]


class WaitingRows(Protocol):
    """The rows that have not begun; `queue.RowQueue` is one."""

    def __bool__(self) -> bool:
        """Whether any row is waiting."""
        ...

    def take(self, count: int) -> Generator[Event, None, list[Row]]:
        """Takes the next rows, `count` at most, ready to begin."""
        ...

    def give_back(self, row: Row) -> None:
        """Takes back a row that will have to begin again."""
        ...

    def attest(self, row: Row) -> Iterator[Event]:
        """Yields what was done to a row that has ended, to be sent just before the row itself."""
        ...

    def finish(self, row: Row) -> None:
        """Is called once a row has ended."""
        ...


def decode(
    waiting: WaitingRows,
    streams: Streams,
    search: Search,
    recorder: Recorder | None,
    probes: list[int],
    batch_size: int,
    stream: bool,
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> Iterator[Event]:
    """Writes all waiting rows, with `batch_size` live rows at most at once, fewer where memory runs out.

    `probes` are token ids whose logits at the first step are sent with the row. With `stream` tokens are sent
    as they come, without it each row as a whole. Raises Cancelled once `should_stop` says so. `progress` is
    called after every step.
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
            streams.join([row.prefix for row in new], [row.other_prefix for row in new])
            rows += new
        layout = streams.layout
        plan = planner.plan(rows, layout)
        observer = _observe(rows, recorder, search, layout)
        logits = _step(streams, plan, observer, alone=len(rows) == 1)
        if logits is None:
            capacity = len(rows) // 2
            rows = _shrink(rows, capacity, streams, search, waiting)
            continue
        plan.settle()
        streams.record([row.contrast_record for row in rows], [row.live for row in rows])
        for row in rows:
            row.edited.append(bool(row.active_edits()))
        if probes:
            _probe(rows, logits, probes)
        choices = _choose(search, logits, rows)
        progress()
        yield from _report(rows, choices, recorder, layout, stream, waiting)
        rows = _advance(rows, choices, streams, search, waiting)


class _Planner:
    """Makes the plan of each step. It keeps the last plan, which changes only with rows and warm-ups."""

    def __init__(self) -> None:
        self._plan = Plan([], KeyLayout(0))

    def plan(self, rows: list[Row], layout: KeyLayout) -> Plan:
        edits = []
        for row in rows:
            active = row.active_edits()
            for edit in active:
                edit.generated = len(row.edited)
            edits += [active] * row.live
        if edits != self._plan.edits or layout != self._plan.layout:  # Edits compare by identity.
            self._plan = Plan(edits, layout)
        return self._plan


def _observe(
    rows: list[Row], recorder: Recorder | None, search: Search, layout: KeyLayout
) -> Observer | None:
    """The observer of the next step's attention, None if nobody needs it."""
    if recorder is not None:
        recorder.begin([row.capture for row in rows], layout)
        return recorder
    if search.observer is not None:
        search.observer.begin(layout)
    return search.observer


def _step(streams: Streams, plan: Plan, observer: Observer | None, alone: bool) -> Tensor | None:
    """The next tokens' logits [R, V] float32; None where memory ran out and fewer rows may fit.

    `alone`: there is one row only, so that running out of memory is raised.
    """
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
    """The search's choice for each row. Rows whose logits [R, V] are no numbers fail, others go on."""
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
    """Notes the probes' logits of rows that have none noted yet, from logits [R, V]."""
    first = 0
    for row in rows:
        row.probes = row.probes or logits[first, probes].tolist()
        first += row.live


def _shrink(
    rows: list[Row], capacity: int, streams: Streams, search: Search, waiting: WaitingRows
) -> list[Row]:
    """The rows that go on: the `capacity` rows with the most steps. The others wait, to begin again."""
    furthest = sorted(range(len(rows)), key=lambda index: -len(rows[index].edited))
    kept = sorted(furthest[:capacity])
    for index in reversed(sorted(furthest[capacity:])):
        search.forget(rows[index].number)
        waiting.give_back(rows[index])
    firsts = list(accumulate([row.live for row in rows], initial=0))
    streams.keep([live for index in kept for live in range(firsts[index], firsts[index + 1])])
    free_memory(streams.device)
    return [rows[index] for index in kept]


def _report(
    rows: list[Row],
    choices: Sequence[Choice],
    recorder: Recorder | None,
    layout: KeyLayout,
    stream: bool,
    waiting: WaitingRows,
) -> Iterator[Event]:
    """Adds what the search has settled to the rows and yields the step's events."""
    tokens: list[list[Token]] = []
    if stream or recorder is not None:
        tokens = [_append_tokens(row, choice) for row, choice in zip(rows, choices, strict=True)]
    else:
        for row, choice in zip(rows, choices, strict=True):
            row.ids += choice.settled
    if stream:
        news = [one for row, new in zip(rows, tokens, strict=True) for one in new if one.step >= row.sent]
        if news:
            yield TokensEvent(tokens=news)
    if recorder is not None:
        yield from _attention_events(rows, tokens, choices, recorder.take(), layout)
    for row, choice in zip(rows, choices, strict=True):
        if choice.finish is None:
            continue
        yield from waiting.attest(row)
        if choice.finish == "failed":
            yield _failed_event(row)
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


def _failed_event(row: Row) -> RowEvent:
    return RowEvent(
        row=row.number,
        text="",
        token_ids=[],
        finish_reason="failed",
        alternatives=[],
        probes=[],
        fault=explain_broken(len(row.edited) - 1),
    )


def _append_tokens(row: Row, choice: Choice) -> list[Token]:
    """Appends the settled tokens to the row. Token k was chosen in step k, whichever beam it comes from."""
    tokens = []
    for index, id in enumerate(choice.settled, start=1):
        step = len(row.ids)
        row.ids.append(id)
        reason = choice.finish if index == len(choice.settled) else None
        text = _push_text(row.text, id, reason)
        tokens.append(Token(row=row.number, step=step, id=id, text=text, edited=row.edited[step]))
    return tokens


def _alternative(row: Row, answer: Answer) -> Alternative:
    text = row.text.whole(answer.ids, answer.finish == "stop")
    return Alternative(text=text, token_ids=answer.ids, finish_reason=answer.finish)


def _push_text(text: TextStream, id: int, reason: str | None) -> str:
    """The text that the token completes. The ids hold the stop token, as in `generate`; the text does not."""
    if reason == "stop":
        return text.stop(id)
    return text.push(id) + (text.end() if reason == "length" else "")


def _attention_events(
    rows: list[Row],
    tokens: list[list[Token]],
    choices: Sequence[Choice],
    weights: np.ndarray,
    layout: KeyLayout,
) -> Iterator[Attention]:
    """The captured attention [layer, R, head, column] of the step, row by row.

    Where attention is captured, a row has one live row and settles one token per step, unless it fails.
    """
    for index, (row, settled, choice) in enumerate(zip(rows, tokens, choices, strict=True)):
        if row.capture is None or choice.finish == "failed":
            continue
        (token,) = settled
        last = choice.finish is not None
        for event in row.capture.push(token.step, weights[:, index], layout, token.text, last):
            if event.body.step >= row.sent:
                yield event


def _advance(
    rows: list[Row], choices: Sequence[Choice], streams: Streams, search: Search, waiting: WaitingRows
) -> list[Row]:
    """Moves the batch on to the next step and returns the rows that go on."""
    for row, choice in zip(rows, choices, strict=True):
        if choice.finish is not None:
            search.forget(row.number)
            waiting.finish(row)
    firsts = list(accumulate([row.live for row in rows], initial=0))
    going = _fill_gaps([index for index, choice in enumerate(choices) if choice.finish is None], rows)
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
            del row.edited[choice.nodes[0].depth + 1 :]  # The first step fed the last prompt token.
        first += row.live
    return [rows[index] for index in going]


def _fill_gaps(going: list[int], rows: list[Row]) -> list[int]:
    """The order in which rows go on. Where each has one live row, the last ones fill the gaps of ended rows.

    So few keys and values are copied.
    """
    if any(row.live > 1 for row in rows):
        return going
    count = len(going)
    stay, movers = set(going) & set(range(count)), [index for index in going if index >= count]
    return [index if index in stay else movers.pop() for index in range(count)]
