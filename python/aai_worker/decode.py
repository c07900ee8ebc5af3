"""The decode loop: one step after the other for all live rows, until each has stopped.

Generated token number k of a row is fed at step k; step 0 feeds the last prompt token (see `batch.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from .attention import AttentionStep, Plan, RowEdit
from .batch import Tail
from .capture import Recorder, RowCapture
from .contrast import Streams
from .errors import Cancelled
from .events import Attention, Event
from .protocol import Alternative, RowEvent, Token, TokensEvent
from .search import Answer, Choice, FinishReason, Search
from .search.overtrust import Watch
from .text import TextStream


@dataclass(eq=False)
class Row:
    """One answer being written, by one live row of the batch or by several (beams), which stand together."""

    number: int  # in the command
    prompt: list[int]
    limit: int  # at most so many tokens
    image_columns: list[int]  # where the image tokens stand among the keys of the batch
    edits: list[RowEdit]
    capture: RowCapture | None
    text: TextStream
    ids: list[int] = field(default_factory=list)  # settled so far
    edited: list[bool] = field(default_factory=list)  # per step so far
    live: int = 1
    tails: list[Tail] = field(default_factory=list)  # of the live rows, where the search asks for them

    def active_edits(self) -> list[RowEdit]:
        return [edit for edit in self.edits if edit.active(len(self.edited))]


def decode(
    rows: list[Row],
    batch: Streams,
    search: Search,
    recorder: Recorder | None,
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> Iterator[Event]:
    """`batch` holds one prefilled prompt per row, in the same order."""
    planner = _Planner()
    if search.watch is not None:
        batch.keep_tails()
    while rows:
        if should_stop():
            raise Cancelled
        plan = planner.plan(rows)
        logits = batch.step(_attention_step(plan, recorder or search.watch))
        choices = search.step(logits, rows)  # type: ignore[arg-type]
        progress()
        weights = recorder.take() if recorder else None  # [layer, R, head, K]

        tokens = [_write(row, choice) for row, choice in zip(rows, choices, strict=True)]
        if any(tokens):
            yield TokensEvent(tokens=[token for written in tokens for token in written])
        if weights is not None:
            yield from _captured(rows, tokens, choices, weights)
        for row, choice in zip(rows, choices, strict=True):
            if choice.finish is not None:
                yield RowEvent(
                    row=row.number,
                    text=row.text.text,
                    token_ids=row.ids,
                    finish_reason=choice.finish,
                    alternatives=[_alternative(row, answer) for answer in choice.alternatives],
                    fault=None,
                )
        rows = _advance(rows, choices, batch)


class _Planner:
    """Plans change only when a warm-up ends or a row leaves: the last one is kept."""

    def __init__(self) -> None:
        self._plan = Plan([])

    def plan(self, rows: list[Row]) -> Plan:
        edits = []
        for row in rows:
            active = row.active_edits()
            row.edited.append(bool(active))
            edits += [active] * row.live
        if edits != self._plan.edits:  # by identity: edits compare as objects
            self._plan = Plan(edits)
        return self._plan


def _attention_step(plan: Plan, recorder: Recorder | Watch | None) -> AttentionStep | None:
    if recorder is None and not any(plan.edits):
        return None
    if recorder is None:
        return AttentionStep(plan, None, frozenset())
    return AttentionStep(plan, recorder.record, frozenset(recorder.layers))


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
    text = TextStream(row.text.tokenizer, row.text.stop_texts)
    for id in answer.ids[:-1]:
        text.push(id)
    _push(text, answer.ids[-1], answer.finish)
    return Alternative(text=text.text, token_ids=answer.ids, finish_reason=answer.finish)


def _push(text: TextStream, id: int, reason: FinishReason | None) -> str:
    """As in transformers' `generate`, the stop token is one of the ids; it is no part of the text."""
    if reason == "stop":
        return text.stop(id)
    return text.push(id) + (text.end() if reason == "length" else "")


def _captured(
    rows: list[Row], tokens: list[list[Token]], choices: Sequence[Choice], weights: np.ndarray
) -> Iterator[Attention]:
    """Where attention is captured, every row has one live row and settles one token a step."""
    for index, (row, (token,), choice) in enumerate(zip(rows, tokens, choices, strict=True)):
        if row.capture is not None:
            last = choice.finish is not None
            yield from row.capture.push(token.step, weights[:, index], token.text, last)


def _advance(rows: list[Row], choices: Sequence[Choice], batch: Streams) -> list[Row]:
    """The rows that go on."""
    parents: list[int] = []
    tokens: list[int] = []
    resumed: dict[int, Tail] = {}
    first = 0  # live row of the row at hand
    for row, choice in zip(rows, choices, strict=True):
        if choice.finish is None:
            resumed |= enumerate(choice.tails or [], start=len(tokens))
            parents += [first + parent for parent in choice.parents]
            tokens += choice.tokens
        first += row.live
    batch.advance(parents, tokens, resumed)

    going = [(row, choice) for row, choice in zip(rows, choices, strict=True) if choice.finish is None]
    first = 0
    for row, choice in going:
        row.live = len(choice.tokens)
        if batch.tails is not None:
            row.tails = batch.tails[first : first + row.live]
        if choice.tails:
            del row.edited[len(choice.tails[0].columns()) + 1 :]  # one step fed the end of the prompt
        first += row.live
    return [row for row, _ in going]
