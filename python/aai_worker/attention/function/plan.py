"""A plan of one decoding step: which edits apply to which rows in which layers. Rows may all differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..row_edit import METHODS, RowEdit
from .layout import KeyLayout


class _Group(NamedTuple):
    """Edits of one method that are applied together, at most one per row."""

    rows: Tensor | None  # [n] int64, the rows that are edited; None = all
    edits: Sequence[RowEdit]
    apply: Callable[[Tensor], Tensor]


class Plan:
    """The edits of a step, the same as long as the same edits are active.

    `edits` holds each live row's active edits, in the order in which they apply.
    """

    def __init__(self, edits: Sequence[Sequence[RowEdit]], layout: KeyLayout) -> None:
        self.edits = edits
        self.layout = layout
        self._fired: list[tuple[int, Sequence[RowEdit]]] = []
        self._layers: dict[int, list[_Group]] = {}
        self._batched: dict[tuple[Any, ...], _Group] = {}

    def apply(self, layer: int, logits: Tensor) -> Tensor:
        """Edits pre-softmax logits [R, Hkv, G, K] float32 of the step's only query, in place."""
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
        """Counts the edits that were applied, after a step that went through."""
        for layer, edits in self._fired:
            for edit in dict.fromkeys(edits):  # Beams share their row's edits, which count once per step.
                edit.fired[layer] += 1
        self._fired.clear()

    def forget(self) -> None:
        """Does not count what was applied, after a step that failed."""
        self._fired.clear()

    def _groups(self, layer: int, device: torch.device) -> list[_Group]:
        if layer not in self._layers:
            self._layers[layer] = self._group(layer, device)
        return self._layers[layer]

    def _group(self, layer: int, device: torch.device) -> list[_Group]:
        """Groups the n-th edits of all rows by their method, for each n: order matters within a row only."""
        chosen = [[edit for edit in row if layer in edit.layers] for row in self.edits]
        groups = []
        for turn in range(max(map(len, chosen), default=0)):
            rows = [row for row, edits in enumerate(chosen) if turn < len(edits)]
            for method in METHODS:
                members = [row for row in rows if chosen[row][turn].method == method]
                if members:
                    edits = [chosen[row][turn] for row in members]
                    groups.append(self._batch(method, members, edits, device))
        return groups

    def _batch(self, method: str, rows: list[int], edits: list[RowEdit], device: torch.device) -> _Group:
        """The group of these edits. Layers with the same edits on one device share it, and so its tensors."""
        key = (device, *map(id, edits))
        if key not in self._batched:
            every = len(rows) == len(self.edits)
            index = None if every else torch.tensor(rows, device=device)
            columns = [self.layout.place(edit.positions, edit.shared).to(device) for edit in edits]
            self._batched[key] = _Group(index, edits, METHODS[method](edits, columns))
        return self._batched[key]
