"""One attention edit of one row, and the registry of attention methods by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from ..plugins.registry import BoundPlugin
from ..vision.reference import normalise


@dataclass(eq=False)
class RowEdit:
    """One attention edit of one row, with the tensors that it needs and the record of what it did."""

    parameters: Any  # the protocol's parameters of the method
    hook: str | None  # the name of the installed hook that the edit comes from
    layers: frozenset[int]  # the decoder layers in which it applies
    positions: Tensor  # [image keys] int64, the key positions that it edits, in these layers
    shared: int  # the number of the row's key positions that belong to its prompt's prefix
    reference: Tensor  # [image keys] float32, as `References.weigh` made it; empty where the method has none
    constant: bool  # whether the reference was constant, see `vision.reference.is_constant`
    plugin: BoundPlugin | None = None  # the user's plug-in, where it declares the method
    # The layer and the number of generated tokens of the present application, for plug-ins that ask for them.
    layer: int = 0
    generated: int = 0
    fired: Counter[int] = field(default_factory=Counter)  # layer -> the number of steps it was applied in

    @property
    def method(self) -> str:
        """The name that the method is registered under; "plugin" for all plug-ins."""
        return str(self.parameters.__struct_config__.tag)

    @property
    def name(self) -> str:
        """The method's name as its user knows it: that of the plug-in, where there is one."""
        return self.method if self.plugin is None else self.plugin.declaration.name

    def active(self, generated: int) -> bool:
        """Whether it applies once so many tokens are generated, that is, after the method's warm-up."""
        return generated > getattr(self.parameters, "warmup", -1)


# Gets one edit per row and each row's columns [image keys] int64. Returns a function that edits the logits of
# these rows, [R, Hkv, G, K] float32, in place and returns them.
BatchEdits = Callable[[Sequence[RowEdit], Sequence[Tensor]], Callable[[Tensor], Tensor]]

METHODS: dict[str, BatchEdits] = {}


class References(NamedTuple):
    """The vision references that a method takes."""

    # Parameters -> the modes of the references, see `vision.reference`.
    modes: Callable[[Any], Sequence[str]]
    # Parameters and one reference per mode, [image tokens] float32 -> `RowEdit.reference`, of the same shape.
    weigh: Callable[[Any, Sequence[Tensor]], Tensor]


REFERENCES: dict[str, References] = {}


def attention_method(name: str, references: References | None = None) -> Callable[[BatchEdits], BatchEdits]:
    """Registers a method's function under the name that its description has in `src/methods/attention`."""

    def register(batch_edits: BatchEdits) -> BatchEdits:
        METHODS[name] = batch_edits
        if references is not None:
            REFERENCES[name] = references
        return batch_edits

    return register


def normalised(parameters: Any, references: Sequence[Tensor]) -> Tensor:
    """The method's only reference, normalised as the parameter `normalisation` says."""
    (reference,) = references
    return normalise(reference, parameters.normalisation)
