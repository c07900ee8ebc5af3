"""Which edit falls on which row in which layer, for one set of active edits. Rows may all differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .layout import KeyLayout
from .row_edit import METHODS, RowEdit


class _Group(NamedTuple):
    """Edits of one method that are applied together, at most one per row."""

    rows: Tensor | None  # None = all
    edits: Sequence[RowEdit]
    apply: Callable[[Tensor], Tensor]


class Plan:
    """`edits`: per row its active ones, in the order in which they apply."""

    def __init__(self, edits: Sequence[Sequence[RowEdit]], layout: KeyLayout) -> None:
        self.edits = edits
        self.layout = layout
        self._fired: list[tuple[int, Sequence[RowEdit]]] = []
        self._layers: dict[int, list[_Group]] = {}
        self._stacked: dict[tuple[Any, ...], _Group] = {}

    def apply(self, layer: int, logits: Tensor) -> Tensor:
        """[R, Hkv, G, K] float32 pre-softmax logits of the step's only query, changed in place."""
        for rows, edits, apply in self._groups(layer, logits.device):
            if edits[0].plugin is not None:
                for edit in edits:
                    edit.layer = layer
            if rows is None:
                logits = apply(logits)
            else:
                logits[rows] = apply(logits[rows])
            self._fired.append((layer, edits))
        return logits

    def settle(self) -> None:
        """After a step that went through: what fired in it counts."""
        for layer, edits in self._fired:
            for edit in dict.fromkeys(edits):  # the beams of a row share their edits: one step, one count
                edit.fired[layer] += 1
        self._fired.clear()

    def forget(self) -> None:
        """After a step that broke off."""
        self._fired.clear()

    def _groups(self, layer: int, device: torch.device) -> list[_Group]:
        if layer not in self._layers:
            self._layers[layer] = self._group(layer, device)
        return self._layers[layer]

    def _group(self, layer: int, device: torch.device) -> list[_Group]:
        """The n-th edits of all rows go together, method by method: order matters within a row only."""
        chosen = [[edit for edit in row if layer in edit.layers] for row in self.edits]
        groups = []
        for turn in range(max(map(len, chosen), default=0)):
            rows = [row for row, edits in enumerate(chosen) if turn < len(edits)]
            for method in METHODS:
                members = [row for row in rows if chosen[row][turn].method == method]
                if members:
                    edits = [chosen[row][turn] for row in members]
                    groups.append(self._stack(method, members, edits, device))
        return groups

    def _stack(self, method: str, rows: list[int], edits: list[RowEdit], device: torch.device) -> _Group:
        """Layers with the same edits share one group, and so its tensors, where they share a device."""
        key = (device, *map(id, edits))
        if key not in self._stacked:
            every = len(rows) == len(self.edits)
            index = None if every else torch.tensor(rows, device=device)
            columns = [self.layout.place(edit.keys, edit.shared).to(device) for edit in edits]
            self._stacked[key] = _Group(index, edits, METHODS[method](edits, columns))
        return self._stacked[key]
