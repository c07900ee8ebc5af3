"""Capture of attention: the weights of the query that chose a token, as the capture policy asks for them.

A step is recorded for all rows at once, layer by layer, and then cut into one array per row.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..attention import KeyLayout, Mirrored
from ..errors import WorkerError
from ..events import Attention
from ..inputs.prepare import KeyPositions
from ..models import Model
from ..protocol import AttentionEvent, CapturePolicy


class Recorder:
    """An observer that collects the captured layers of each step."""

    def __init__(self, policy: CapturePolicy, model: Model) -> None:
        self.policy = policy
        self.layers = captured_layers(policy, model)
        self._step: dict[int, Tensor] = {}
        self._columns: Mirrored | None = None  # [R, N] int64, the columns kept of each row; None = all
        self._columns_of: tuple[Any, ...] = ()  # the layout and rows that `_columns` was made for

    def begin(self, rows: Sequence[RowCapture | None], layout: KeyLayout) -> None:
        """Prepares a step of these rows with this layout.

        Where only image keys are captured, no other column leaves the device. Rows with fewer image keys than
        others get column 0 in place of the missing ones.
        """
        if self.policy.keys != "image" or self._columns_of == (layout, *rows):
            return
        kept = [[0] if row is None else row.image_columns(layout) for row in rows]
        most = max(map(len, kept))
        filled = torch.tensor([columns + [0] * (most - len(columns)) for columns in kept])
        self._columns, self._columns_of = Mirrored(filled), (layout, *rows)

    def record(self, layer: int, weights: Tensor) -> None:
        """Keeps the wanted heads and columns of one layer's weights, [R, Hq, K] float32."""
        if self._columns is not None:
            columns = self._columns.on(weights.device)[:, None].expand(-1, weights.shape[1], -1)
            weights = weights.gather(2, columns)
        if self.policy.heads == "mean":
            weights = weights.mean(dim=1, keepdim=True)
        elif self.policy.heads == "chosen":
            weights = weights[:, self.policy.chosen_heads]
        self._step[layer] = weights

    def take(self) -> np.ndarray:
        """The weights of the step just made, [layer, R, head, column] in the policy's dtype.

        Where only image keys are captured, the last axis is the image key.
        """
        device = self._step[self.layers[0]].device
        step = torch.stack([self._step[layer].to(device) for layer in self.layers])
        self._step = {}
        return step.to(getattr(torch, self.policy.dtype)).cpu().numpy()


class RowCapture:
    """The captured attention of one row: cuts its arrays out of the steps.

    Where the policy names words, it holds arrays back until it is known which word their token belongs to.
    """

    def __init__(self, policy: CapturePolicy, layers: list[int], row: int, positions: KeyPositions) -> None:
        self.policy = policy
        self.layers = layers
        self.row = row
        self.positions = positions
        self._words = None if policy.words is None else {clean_word(word) for word in policy.words}
        self._word = ""  # the text of the word so far
        self._pending: list[tuple[int, np.ndarray]] = []  # the step and weights of each of its tokens

    def image_columns(self, layout: KeyLayout) -> list[int]:
        """The columns of the row's image keys."""
        return layout.columns(self.positions.image, self.positions.shared)

    def push(
        self, step: int, weights: np.ndarray, layout: KeyLayout, text: str, last: bool
    ) -> list[Attention]:
        """Takes the `weights` [layer, head, column] of the query that chose the token `text`.

        Returns what can be sent now. `last` says that the row ends with this token.
        """
        kept = self._cut(step, weights, layout)
        if self._words is None:
            return [self._event(step, kept, None)]
        return self._push_word((step, kept), text, last)

    def _push_word(self, mine: tuple[int, np.ndarray], text: str, last: bool) -> list[Attention]:
        """As `push`, word by word. Whitespace ends a word; a token belongs to the last word in its text."""
        before, *after = re.split(r"\s+", text)
        sent = []
        self._word += before
        if before and not (after and after[-1]):
            self._pending.append(mine)
        if after:
            sent = self._close_word()
            self._word = after[-1]
            self._pending = [mine] if after[-1] else []
        return sent + (self._close_word() if last else [])

    def _cut(self, step: int, weights: np.ndarray, layout: KeyLayout) -> np.ndarray:
        """The row's own columns, in the order of its key positions: [layer, head, key]."""
        if self.policy.keys == "image":
            return np.ascontiguousarray(weights[:, :, : len(self.positions.image)])
        own = step + 1 if self.positions.own else 0  # the last prompt token and the answer's
        columns = layout.columns(range(self.positions.shared + own), self.positions.shared)
        return np.ascontiguousarray(weights[:, :, columns])

    def _close_word(self) -> list[Attention]:
        """Ends the word so far, and returns its tokens' attention if the policy names it."""
        word, pending = clean_word(self._word), self._pending
        self._word, self._pending = "", []
        if self._words is None or word not in self._words:
            return []
        return [self._event(step, weights, word) for step, weights in pending]

    def _event(self, step: int, weights: np.ndarray, word: str | None) -> Attention:
        return Attention(AttentionEvent(row=self.row, step=step, layers=self.layers, word=word), weights)


def check_policy(policy: CapturePolicy, model: Model) -> None:
    """Raises WorkerError where the model has not what the policy names."""
    heads = model.heads
    for layer in policy.layers or []:
        if layer >= model.layers:
            raise WorkerError(
                "bad-input", f"Cannot capture layer {layer}: the decoder has layers 0 to {model.layers - 1}."
            )
        if layer not in model.image_layers:
            raise WorkerError(
                "bad-input",
                f"Cannot capture layer {layer}: this decoder attends to the image in layers "
                f"{', '.join(map(str, model.image_layers))} alone, and those are captured.",
            )
    if policy.layers == []:
        raise WorkerError("bad-input", "The capture policy names no layer; give some, or null for all.")
    if policy.heads != "chosen":
        return
    if not policy.chosen_heads:
        raise WorkerError("bad-input", 'The capture policy has heads "chosen" but names none in chosenHeads.')
    for head in policy.chosen_heads:
        if head >= heads:
            raise WorkerError("bad-input", f"Cannot capture head {head}: a layer has heads 0 to {heads - 1}.")


def captured_layers(policy: CapturePolicy, model: Model) -> list[int]:
    """The decoder layers that the policy captures, in the order of its arrays."""
    return list(model.image_layers if policy.layers is None else policy.layers)


def clean_word(word: str) -> str:
    """The word in lower case, without the punctuation around it."""
    return word.strip(string.punctuation + string.whitespace).lower()
