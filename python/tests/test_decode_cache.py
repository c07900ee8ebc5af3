"""The rows' own keys and values follow every fork, drop and rewind, however little of them is copied."""

from __future__ import annotations

import random

import pytest
import torch

from aai_worker.kv.decode_cache import DecodeCache

LAYERS, HEADS, SIZE = 2, 2, 3


class Model:
    """Keeps every row as a list of numbers, one per column, and forks it by copying the whole list."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self.cache = DecodeCache(LAYERS, frozenset())
        self._next = 0

    def join(self, count: int) -> None:
        self.rows += [[] for _ in range(count)]
        self.cache.join(count)

    def step(self) -> None:
        """Makes each row write a number of its own in every layer, head and element."""
        self.cache.begin(torch.device("cpu"))
        written = [self._next + row for row in range(len(self.rows))]
        self._next += len(self.rows)
        states = torch.tensor(written, dtype=torch.float32)[:, None, None, None].expand(-1, HEADS, 1, SIZE)
        for layer, one in enumerate(self.cache.layers):
            one.update(states + layer / 4, -states - layer / 4)
        self.rows = [[*row, number] for row, number in zip(self.rows, written, strict=True)]

    def advance(self, parents: list[int]) -> None:
        self.cache.select(parents)
        self.cache.ages = [age + 1 for age in self.cache.ages]
        self.rows = [list(self.rows[parent]) for parent in parents]

    def keep(self, rows: list[int]) -> None:
        self.cache.select(rows)
        self.rows = [list(self.rows[row]) for row in rows]

    def resume(self, row: int, other: list[int]) -> None:
        """All but the first column, which every row with the same prompt shares."""
        states = torch.tensor(other[1:], dtype=torch.float32)[None, None, None, :, None]
        layers = torch.arange(LAYERS)[:, None, None, None, None] / 4
        keys = (states + layers).expand(LAYERS, 1, HEADS, -1, SIZE)
        self.cache.write(row, torch.cat([keys, -keys], dim=1))
        self.cache.ages[row] = len(other)
        self.rows[row] = [self.rows[row][0], *other[1:]]

    def check(self) -> None:
        for layer, one in enumerate(self.cache.layers):
            for row, numbers in enumerate(self.rows):
                if not numbers:
                    continue
                expected = torch.tensor(numbers)[None, :, None].expand(HEADS, -1, SIZE) + layer / 4
                assert torch.equal(one.keys[row, :, : len(numbers)], expected)
                assert torch.equal(one.values[row, :, : len(numbers)], -expected)


@pytest.mark.parametrize("seed", range(20))
def test_rows_hold_what_they_wrote(seed: int) -> None:
    draw = random.Random(seed)
    model = Model()
    model.join(draw.randint(1, 3))
    for _ in range(40):
        model.step()
        model.check()
        live = len(model.rows)
        parents = draw.choice(
            [
                list(range(live)),
                [draw.randrange(live) for _ in range(draw.randint(1, 9))],
                sorted(draw.randrange(live) for _ in range(draw.randint(1, 9))),
                [parent for parent in draw.sample(range(live), min(live, 3)) for _ in range(3)],
            ]
        )
        model.advance(parents)
        if draw.random() < 0.2:
            row, other = draw.randrange(len(model.rows)), draw.choice(model.rows)
            model.resume(row, other[: draw.randint(1, len(other))])
        if draw.random() < 0.2:
            model.keep(sorted(draw.sample(range(len(model.rows)), draw.randint(1, len(model.rows)))))
        if draw.random() < 0.2:
            model.join(draw.randint(1, 2))
        model.check()


def test_rows_that_were_one_row_are_copied_from_where_they_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two beams of three candidates; the second candidate of each wins and stays where it stood."""
    model = Model()
    model.join(2)
    for _ in range(6):
        model.step()
        model.advance([0, 1])
    model.step()
    model.advance([0, 0, 0, 1, 1, 1])
    model.step()
    seen = []
    monkeypatch.setattr(model.cache.layers[0], "copy", lambda copies, rows, used: seen.append((copies, used)))
    model.cache.select([1, 1, 1, 4, 4, 4])

    ((only,), used) = seen[0]
    assert only.moves.on(torch.device("cpu")).tolist() == [[1, 1, 4, 4], [0, 2, 3, 5]]
    assert (only.columns, used) == (slice(6, 8), 8)
