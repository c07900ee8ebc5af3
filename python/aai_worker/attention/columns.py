"""Where a row's keys stand in a step's attention: the prompt at the left, but for its last token."""

from __future__ import annotations

from collections.abc import Sequence


def columns_of(keys: Sequence[int], shared: int, width: int) -> list[int]:
    """Keys of a row, of which the first `shared` are its prefix's -> columns; its own begin at `width`."""
    return [key if key < shared else width + key - shared for key in keys]
