"""Both sides have the same methods: TypeScript describes them, and the protocol is made of that."""

from __future__ import annotations

import typing
from collections.abc import Collection
from typing import Any

import pytest

from aai_worker import protocol
from aai_worker.attention import METHODS
from aai_worker.contrast import CONTRASTS
from aai_worker.search import SEARCHES


@pytest.mark.parametrize(
    ("message", "field", "registered"),
    [
        (protocol.AttentionEdit, "parameters", METHODS),
        (protocol.Row, "contrast", CONTRASTS),
        (protocol.Row, "search", SEARCHES),
    ],
    ids=["attention", "contrast", "search"],
)
def test_both_sides_have_the_same_methods(message: Any, field: str, registered: Collection[str]) -> None:
    described = typing.get_args(typing.get_type_hints(message)[field])
    assert {one.__struct_config__.tag for one in described if one is not type(None)} == set(registered)
