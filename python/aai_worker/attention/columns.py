"""Where a row's keys stand in a step's attention: the prompt at the left, but for its last token."""

from __future__ import annotations

from collections.abc import Sequence


def columns_of(keys: Sequence[int], prompt_length: int, width: int) -> list[int]:
    """Positions in the prompt -> columns, `width` being that at which a row's own keys begin."""
    shared = prompt_length - 1
    return [key if key < shared else width + key - shared for key in keys]
