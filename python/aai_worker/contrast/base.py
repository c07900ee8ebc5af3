"""What a contrast is: a second stream, if it needs one, and how the logits are combined."""

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
    """Logits [R, V] float32 of one step."""

    plain: Tensor  # the main stream's
    logits: Tensor  # contrasted


CONTRASTS: dict[str, type[Contrast]] = {}


def contrast_method(name: str) -> Callable[[type[Contrast]], type[Contrast]]:
    """Registers a method's class under the name that its description has in `src/methods/contrast`."""

    def register(method: type[Contrast]) -> type[Contrast]:
        CONTRASTS[name] = method
        return method

    return register


class Contrast(ABC):
    """One method with its parameters; it keeps nothing of a generation."""

    needs_image: bool = False
    second_stream: bool = False

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
        return str(self.parameters.__struct_config__.tag)

    def check(self, model: Model, sample: Prepared) -> None:
        """Refuses a row that it cannot work on."""
        if self.needs_image and sample.image is None:
            raise WorkerError(
                "bad-input",
                f"{self.method} contrasts with a worse view of the image, but a row has no image.",
            )

    def open(self, model: Model) -> Batch | None:
        """The second stream, without rows yet. None where none is needed."""
        return Batch(model) if self.second_stream else None

    def prefill(
        self,
        model: Model,
        samples: Sequence[Prepared],
        vision: Sequence[VisionFeatures | None],
        should_stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> list[Prefix]:
        """What the second stream's rows continue, where there is one. `vision`: each sample's."""
        raise NotImplementedError(f"{self.method} has no second stream")

    @abstractmethod
    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        """One step of all streams; `age` [R, 1]: tokens that each row has generated."""


class TwoStreams(Contrast):
    """A contrast with a second prompt."""

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
        """The second stream's prompt. `vision`: the features of the sample's image, None without an image."""

    @abstractmethod
    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        """Logits [R, V] of both streams -> the contrasted ones."""


def check_exits(method: str, layers: Sequence[int], count: int) -> None:
    """`layers`: how many of the decoder's `count` layers a state has passed when it leaves early."""
    if not layers:
        raise WorkerError("bad-input", f"{method}: layers names none; give some.")
    for layer in layers:
        if layer >= count:
            raise WorkerError(
                "bad-input",
                f"{method}: an early exit after {layer} layers is none, as the decoder has {count}.",
            )


def keep_plausible(logits: Tensor, main: Tensor, beta: float) -> Tensor:
    """Adaptive plausibility constraint (APC): -inf where the main stream gives less than beta times its best.

    In log space, as VCD's second version: kept iff main >= log(beta) + max main. beta 0 keeps all.
    """
    if beta == 0:
        return logits
    threshold = main.max(dim=-1, keepdim=True).values + math.log(beta)
    return logits.masked_fill(main < threshold, -torch.inf)
