"""What a generation yields, in order: the protocol's own structs, with the array where one belongs to them.

PrefilledEvent               once per group of samples prefilled together
TokensEvent, Attention       at every decoding step
AttestedEvent                just before the row's, where the row has edits or a contrast
RowEvent                     once per row, as soon as the row is finished or has failed
GenerateSummary              last, once
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .protocol import (
    AttentionEvent,
    AttestedEvent,
    GenerateSummary,
    PrefilledEvent,
    RowEvent,
    TokensEvent,
)


class Attention(NamedTuple):
    """`weights` [layer, head, key], float16 or float32: softmaxed, of the query that chose the token."""

    body: AttentionEvent
    weights: np.ndarray


Event = PrefilledEvent | TokensEvent | Attention | AttestedEvent | RowEvent | GenerateSummary
