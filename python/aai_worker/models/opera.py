"""How OPERA's released wrappers (shikiw/OPERA, minigpt4/models) hand over a prompt, family by family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class OperaPrompt(NamedTuple):
    """The prompt that OPERA's search starts from."""

    ids: list[int]  # the number of these ids counts in the length of an ended beam
    rewarded: list[int]  # the prompt positions to which attention is rewarded in the first steps


def one_placeholder(ids: Sequence[int], image_positions: Sequence[int]) -> OperaPrompt:
    """The prompt in which the image is one id; attention to the image's tokens is rewarded."""
    expanded = set(image_positions[1:])
    return OperaPrompt([id for key, id in enumerate(ids) if key not in expanded], list(image_positions))
