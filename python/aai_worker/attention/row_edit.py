"""An edit of one row, and the methods of the attention axis by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from ..plugins.registry import Bound
from ..vision.reference import normalise


@dataclass(eq=False)
class RowEdit:
    """One attention edit of one row, with the tensors it needs and the record of what it did."""

    parameters: Any  # AttentionParameters: every method reads its own
    hook: str | None  # name of the installed hook it comes from
    layers: frozenset[int]  # in which it applies
    keys: Tensor  # [image keys] int64, among the row's keys in these layers
    shared: int  # so many of which are the prefix's
    reference: Tensor  # [image keys] float32, weighed; empty where the method needs none
    constant: bool  # the reference was (nearly) constant
    plugin: Bound | None = None  # where it is the user's own
    # Where and when it is being applied, for plug-ins that ask.
    layer: int = 0
    generated: int = 0
    fired: Counter[int] = field(default_factory=Counter)  # layer -> applications

    @property
    def method(self) -> str:
        return str(self.parameters.__struct_config__.tag)

    @property
    def name(self) -> str:
        """The method's, as its user knows it."""
        return self.method if self.plugin is None else self.plugin.declaration.name

    def active(self, generated: int) -> bool:
        """In the step that feeds the row's generated token number `generated` (0 = the end of the prompt)."""
        return generated > getattr(self.parameters, "warmup", -1)


# One edit per row, each on its columns -> a function on their logits, [R, Hkv, G, K] float32, in place.
Stack = Callable[[Sequence[RowEdit], Sequence[Tensor]], Callable[[Tensor], Tensor]]

METHODS: dict[str, Stack] = {}


class References(NamedTuple):
    """What a method takes from the vision encoder."""

    # Parameters -> modes of `vision.reference`.
    modes: Callable[[Any], Sequence[str]]
    # Parameters and one reference a mode, [image tokens] float32 -> what `RowEdit.reference` holds.
    weigh: Callable[[Any, Sequence[Tensor]], Tensor]


REFERENCES: dict[str, References] = {}


def attention_method(name: str, references: References | None = None) -> Callable[[Stack], Stack]:
    """Registers a method's maths under the name that its description has in `src/methods/attention`."""

    def register(stack: Stack) -> Stack:
        METHODS[name] = stack
        if references is not None:
            REFERENCES[name] = references
        return stack

    return register


def normalised(parameters: Any, references: Sequence[Tensor]) -> Tensor:
    """The only reference, as the parameters' `normalisation` has it."""
    (reference,) = references
    return normalise(reference, parameters.normalisation)
