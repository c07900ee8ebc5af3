"""A batch with a second stream beside it: to the decode loop it is a batch like any other.

The second stream's rows follow the main one's wherever a search takes them, each with a cache of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..attention import AttentionStep
from ..batch import Batch, Tail
from ..models import Model
from ..prepare import Prepared
from .base import Contrast


def open_streams(
    contrast: Contrast,
    model: Model,
    main: Batch,
    samples: Sequence[Prepared],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> ContrastedBatch:
    """`main` holds one prefilled prompt per row; `samples`: what each row continues."""
    return ContrastedBatch(contrast, main, contrast.open(model, main, samples, should_stop, progress))


class ContrastedBatch:
    def __init__(self, contrast: Contrast, main: Batch, other: Batch | None) -> None:
        self.contrast = contrast
        self.main = main
        self.other = other
        self.stop_ids = main.stop_ids
        self.starts = main.positions  # [R, 1], of the last prompt token

    def prompt_lengths(self) -> list[int]:
        """Tokens of each row's prompt, the longer stream's; before the first step."""
        streams = [self.main] if self.other is None else [self.main, self.other]
        return (torch.cat([stream.positions for stream in streams], dim=1).amax(dim=1) + 1).tolist()

    def step(self, attention: AttentionStep | None) -> Tensor:
        """As `Batch.step`; `attention` is for the main stream alone."""
        return self.contrast.step(self.main, self.other, attention, self.main.positions - self.starts)

    @property
    def tails(self) -> list[Tail] | None:
        if self.main.tails is None or self.other is None or self.other.tails is None:
            return self.main.tails
        return [_Twin(*pair) for pair in zip(self.main.tails, self.other.tails, strict=True)]

    def keep_tails(self) -> None:
        self.main.keep_tails()
        if self.other is not None:
            self.other.keep_tails()

    def advance(
        self, parents: list[int], tokens: list[int], resumed: Mapping[int, Tail] | None = None
    ) -> None:
        index = torch.tensor(parents, dtype=torch.long, device=self.starts.device)
        self.starts = self.starts[index]
        if self.other is None:
            self.main.advance(parents, tokens, resumed)
            return
        twins = {row: tail for row, tail in (resumed or {}).items() if isinstance(tail, _Twin)}
        self.main.advance(parents, tokens, {row: twin.main for row, twin in twins.items()})
        self.other.advance(parents, tokens, {row: twin.other for row, twin in twins.items()})


class _Twin(Tail):
    """Where both streams of a sequence end; to a search the main one's tail."""

    def __init__(self, main: Tail, other: Tail) -> None:
        super().__init__(main.newest, main.column, main._previous)
        self.main = main
        self.other = other

    @property
    def previous(self) -> Tail:
        return _Twin(self.main.previous, self.other.previous)


Streams = Batch | ContrastedBatch  # what the decode loop drives
