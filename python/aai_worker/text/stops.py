"""What ends an answer: a token, or several in a row, such as MiniGPT-4's `###`, which may be two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Stops(NamedTuple):
    ids: frozenset[int]
    sequences: tuple[tuple[int, ...], ...] = ()
    texts: tuple[str, ...] = ()  # the sequences as text, which is no part of the answer's text

    @property
    def max_end_tokens(self) -> int:
        """The most different tokens that may come next and end one answer."""
        return len(self.ids) + len(self.sequences)

    def reached(self, before: Sequence[int], token: int) -> bool:
        """Whether an answer of the tokens `before` ends with `token`."""
        return token in self.ids or any(
            token == sequence[-1] and tuple(before[len(before) - len(sequence) + 1 :]) == sequence[:-1]
            for sequence in self.sequences
            if len(sequence) <= len(before) + 1
        )
