"""The decode loop: one step after the other for all live rows, until each has stopped.

Generated token number k of a row is fed at step k; step 0 feeds the last prompt token (see `batch.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .attention import AttentionStep, Plan, RowEdit
from .batch import Batch
from .capture import Recorder, RowCapture
from .contrast import ContrastedBatch
from .errors import Cancelled
from .events import Attention, Event
from .protocol import RowEvent, Token, TokensEvent
from .search import Search
from .text import TextStream


@dataclass(eq=False)
class Row:
    """One sequence being written."""

    number: int  # in the command
    limit: int  # at most so many tokens
    edits: list[RowEdit]
    capture: RowCapture | None
    text: TextStream
    ids: list[int] = field(default_factory=list)  # generated so far

    def active_edits(self) -> list[RowEdit]:
        return [edit for edit in self.edits if edit.active(len(self.ids))]


def decode(
    rows: list[Row],
    batch: Batch | ContrastedBatch,
    search: Search,
    recorder: Recorder | None,
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> Iterator[Event]:
    """`batch` holds one prefilled prompt per row, in the same order."""
    planner = _Planner()
    while rows:
        if should_stop():
            raise Cancelled
        plan = planner.plan(rows)
        choice = search.step(batch.step(_attention_step(plan, recorder)))
        progress()
        rows = [rows[parent] for parent in choice.parents]
        edited = [bool(plan.edits[parent]) for parent in choice.parents]
        weights = recorder.take()[:, choice.parents] if recorder else None  # [layer, R, head, K]

        finish = [
            _finish_reason(row, token, batch.stop_ids) for row, token in zip(rows, choice.tokens, strict=True)
        ]
        tokens = [
            _write(row, token, was_edited, reason)
            for row, token, was_edited, reason in zip(rows, choice.tokens, edited, finish, strict=True)
        ]
        yield TokensEvent(tokens=tokens)
        if weights is not None:
            yield from _captured(rows, tokens, finish, weights)
        for row, reason in zip(rows, finish, strict=True):
            if reason is not None:
                yield RowEvent(
                    row=row.number, text=row.text.text, token_ids=row.ids, finish_reason=reason, fault=None
                )
        alive = [index for index, reason in enumerate(finish) if reason is None]
        rows = [rows[index] for index in alive]
        batch.advance([choice.parents[index] for index in alive], [choice.tokens[index] for index in alive])


class _Planner:
    """Plans change only when a warm-up ends or a row leaves: the last one is kept."""

    def __init__(self) -> None:
        self._plan = Plan([])

    def plan(self, rows: list[Row]) -> Plan:
        edits = [row.active_edits() for row in rows]
        if edits != self._plan.edits:  # by identity: edits compare as objects
            self._plan = Plan(edits)
        return self._plan


def _attention_step(plan: Plan, recorder: Recorder | None) -> AttentionStep | None:
    if recorder is None and not any(plan.edits):
        return None
    if recorder is None:
        return AttentionStep(plan, None, frozenset())
    return AttentionStep(plan, recorder.record, frozenset(recorder.layers))


def _finish_reason(row: Row, token: int, stop_ids: frozenset[int]) -> Literal["stop", "length"] | None:
    if token in stop_ids:
        return "stop"
    return "length" if len(row.ids) + 1 == row.limit else None


def _write(row: Row, token: int, edited: bool, reason: str | None) -> Token:
    """As in transformers' `generate`, the stop token is one of the ids; it is no part of the text."""
    row.ids.append(token)
    text = "" if reason == "stop" else row.text.push(token)
    if reason is not None:
        text += row.text.end()
    return Token(row=row.number, step=len(row.ids) - 1, id=token, text=text, edited=edited)


def _captured(
    rows: list[Row], tokens: list[Token], finish: Sequence[str | None], weights: np.ndarray
) -> Iterator[Attention]:
    for index, (row, token, reason) in enumerate(zip(rows, tokens, finish, strict=True)):
        if row.capture is not None:
            yield from row.capture.push(token.step, weights[:, index], token.text, last=reason is not None)
