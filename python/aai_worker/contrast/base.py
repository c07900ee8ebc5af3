"""The base of contrasts, which combine the logits of one or two streams, and the registry of contrasts."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import torch
from torch import Tensor

from ..attention import AttentionStep
from ..errors import WorkerError
from ..inputs.prepare import Prepared
from ..kv.batch import Batch
from ..kv.prefix import Prefix, prefill
from ..models import Embedded, Model, VisionFeatures


class Outcome(NamedTuple):
    """The logits [R, V] float32 of one step."""

    plain: Tensor  # those of the main stream
    logits: Tensor  # those after the contrast, which the search gets


CONTRASTS: dict[str, type[Contrast]] = {}


def contrast_method(name: str) -> Callable[[type[Contrast]], type[Contrast]]:
    """Registers a method's class under the name that its description has in `src/methods/contrast`."""

    def register(method: type[Contrast]) -> type[Contrast]:
        CONTRASTS[name] = method
        return method

    return register


class Contrast(ABC):
    """One method with its parameters. It keeps no state of a generation."""

    needs_image: bool = False  # whether it refuses rows without an image
    second_stream: bool = False  # whether its rows have a second stream

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters
        for name, value in msgspec.structs.asdict(parameters).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise WorkerError(
                    "bad-input", f"{self.method}: {name} is {value}; a finite number is needed."
                )
        for name in ("beta", "relative_top", "top_p"):
            value = getattr(parameters, name, 0)
            if not 0 <= value <= 1:
                raise WorkerError("bad-input", f"{self.method}: {name} is {value}; it is a share, 0 to 1.")

    @property
    def method(self) -> str:
        """The method's name as its user knows it."""
        return str(self.parameters.__struct_config__.tag)

    def check(self, model: Model, sample: Prepared) -> None:
        """Raises WorkerError for a sample that it cannot work on."""
        if self.needs_image and sample.image is None:
            raise WorkerError(
                "bad-input",
                f"{self.method} contrasts with a worse view of the image, but a row has no image.",
            )

    def create_second_stream(self, model: Model) -> Batch | None:
        """A batch without rows for the second stream; None where the method needs none."""
        return Batch(model) if self.second_stream else None

    def prefill(
        self,
        model: Model,
        samples: Sequence[Prepared],
        vision: Sequence[VisionFeatures | None],
        should_stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> list[Prefix]:
        """The samples' prefixes in the second stream. Raises Cancelled once `should_stop` says so.

        `vision` has the features of each sample's image, None where it has none.
        """
        raise NotImplementedError(f"{self.method} has no second stream")

    @abstractmethod
    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        """Makes one step of all streams. `age` [R, 1] int64: the number of tokens generated, per row."""


class TwoStreams(Contrast):
    """A contrast whose second stream continues another prompt and is combined logit by logit."""

    second_stream = True

    def prefill(
        self,
        model: Model,
        samples: Sequence[Prepared],
        vision: Sequence[VisionFeatures | None],
        should_stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> list[Prefix]:
        prompts = [self.prompt(model, *pair) for pair in zip(samples, vision, strict=True)]
        return prefill(model, prompts, [[] for _ in prompts], should_stop, progress)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        assert other is not None
        plain = main.step(attention)
        return Outcome(plain, self.combine(plain, other.step(None), age))

    @abstractmethod
    def prompt(self, model: Model, sample: Prepared, vision: VisionFeatures | None) -> Embedded:
        """The second stream's prompt. `vision`: the features of the sample's image, None without one."""

    @abstractmethod
    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        """The logits [R, V] after the contrast, from those of both streams. `age` is as in `step`."""


def check_exits(method: str, layers: Sequence[int], count: int) -> None:
    """Raises WorkerError unless an early exit after each of these numbers of layers is possible.

    `count` is the number of the decoder's layers.
    """
    if not layers:
        raise WorkerError("bad-input", f"{method}: layers names none; give some.")
    for layer in layers:
        if layer >= count:
            raise WorkerError(
                "bad-input",
                f"{method}: an early exit after {layer} layers is none, as the decoder has {count}.",
            )


def keep_plausible(logits: Tensor, main: Tensor, beta: float) -> Tensor:
    """The adaptive plausibility constraint (APC, arXiv 2210.15097): implausible `logits` [R, V] become -inf.

    A token is implausible where the main stream gives it less than beta times the probability of its best
    token. In log space, as in VCD's second version, a token is kept iff main >= log(beta) + max main. With
    beta 0 all are kept.
    """
    if beta == 0:
        return logits
    threshold = main.max(dim=-1, keepdim=True).values + math.log(beta)
    return logits.masked_fill(main < threshold, -torch.inf)
