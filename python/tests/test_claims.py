"""What docs/methods.md says a method works with (it is made from the descriptions) is what happens.

That every attention edit, contrast and search do run together is shown in `test_matrix.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tiny
from test_matrix import EDITS, SEARCH_PARAMETERS, STREAMS

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"
AXES = {"attention": EDITS, "contrast": STREAMS, "search": SEARCH_PARAMETERS}


def read_claims(axis: str) -> dict[str, str]:
    """Method -> what its section says that it works with."""
    section = PAGE.read_text().split(f"<!-- generated: {axis} -->")[1].split(f"<!-- end: {axis} -->")[0]
    return dict(re.findall(r"^### `(\w+)`.*?^Works with: (.*?)$", section, flags=re.M | re.S))


CLAIMS = [(axis, name, claim) for axis in AXES for name, claim in read_claims(axis).items()]


def run(
    engine: Engine, axis: str, name: str, row: list[Any], sample: tiny.Sample, capture: Any = None
) -> list[int]:
    """One row decoded with the method, and with nothing else beside greedy search."""
    chosen = {"attention": "none", "contrast": "none", "search": "greedy", axis: name}
    return tiny.run(
        engine,
        [sample],
        [tiny.row(*row, *EDITS[chosen["attention"]])],
        tiny.pictures(1),
        contrast=STREAMS[chosen["contrast"]],
        search=SEARCH_PARAMETERS[chosen["search"]],
        capture=capture,
    ).ids()


def is_refused(*arguments: Any, **options: Any) -> bool:
    try:
        run(*arguments, **options)
    except WorkerError:
        return True
    return False


@pytest.mark.parametrize("axis", AXES)
def test_every_method_makes_its_claim(axis: str) -> None:
    assert set(read_claims(axis)) == set(AXES[axis]) - {"none", "plugin"}


@pytest.mark.parametrize(("axis", "name", "claim"), CLAIMS, ids=[name for _, name, _ in CLAIMS])
def test_what_it_works_with(axis: str, name: str, claim: str, engine: Engine) -> None:
    assert claim.startswith("Any"), "what the matrix shows of every method"
    text_only = tiny.sample("What is it?", image=None)
    assert is_refused(engine, axis, name, [], text_only) == ("Rows with an image." in claim)
    captured = is_refused(engine, axis, name, [], tiny.sample(), capture=tiny.capture())
    assert captured == ("Attention cannot be captured" in claim)
    if axis == "attention":
        assert "other edits: they apply in the order given" in claim
        other = tiny.vaf(enhance=2.0, suppress=0.5)
        assert run(engine, axis, name, [other], tiny.sample())
    if "cannot change greedy search" in claim:
        plain = run(engine, "attention", "none", [], tiny.sample())
        assert run(engine, axis, name, [], tiny.sample()) == plain
