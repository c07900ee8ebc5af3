"""Faults that are the caller's: one clear sentence each, no traceback."""

from __future__ import annotations


class WorkerError(Exception):
    """`code` is stable, for programs ("bad-input", "bad-image" ...); `message` is one sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def first_line(error: Exception) -> str:
    """What a library said, in one line; its type where it said nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class Cancelled(Exception):
    """`should_stop` turned true: the generation ended early because its caller wished so."""
