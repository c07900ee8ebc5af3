"""A batch with a second stream beside it: to the decode loop it is a batch like any other.

The second stream's rows follow the main one's wherever a search takes them, each with a cache of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
        return torch.stack([stream.mask.sum(dim=1) for stream in streams]).amax(dim=0).tolist()

    def step(self, attention: AttentionStep | None) -> Tensor:
        """As `Batch.step`; `attention` is for the main stream alone."""
        return self.contrast.step(self.main, self.other, attention, self.main.positions - self.starts)

    @property
    def tails(self) -> list[Tail] | None:
        """Those of the main stream, each of which knows its twin in the other."""
        return self.main.tails

    def keep_tails(self) -> None:
        self.main.keep_tails()
        if self.other is not None:
            self.other.keep_tails()

    def advance(self, parents: list[int], tokens: list[int], resumed: dict[int, Tail] | None = None) -> None:
        index = torch.tensor(parents, dtype=torch.long, device=self.starts.device)
        self.starts = self.starts[index]
        self.main.advance(parents, tokens, resumed)
        if self.other is None:
            return
        twins = {row: tail.twin for row, tail in (resumed or {}).items() if tail.twin is not None}
        self.other.advance(parents, tokens, twins)
        for tail, twin in zip(self.main.tails or [], self.other.tails or [], strict=True):
            tail.twin = twin


Streams = Batch | ContrastedBatch  # what the decode loop drives
