"""How OPERA's released wrappers (shikiw/OPERA, minigpt4/models) hand over a prompt, family by family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class OperaPrompt(NamedTuple):
    """What OPERA's search starts from."""

    ids: list[int]  # their number counts in the length of an ended beam
    rewarded: list[int]  # prompt positions: at first, attention to them is a reward


def one_placeholder(ids: Sequence[int], image_keys: Sequence[int]) -> OperaPrompt:
    """The image is one id of the prompt, and its tokens are rewarded."""
    expanded = set(image_keys[1:])
    return OperaPrompt([id for key, id in enumerate(ids) if key not in expanded], list(image_keys))
