"""The first step's logits of chosen words: how likely a yes is against a no, whatever is then written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from .errors import WorkerError
from .models import Model
from .protocol import ProbesEvent
from .search import Choice, Search, Written


class Probe:
    """Stands before a search and notes the logits it is given first. A text counts by its first token."""

    def __init__(self, search: Search, texts: Sequence[str], model: Model) -> None:
        self.streams = search.streams
        self.watch = search.watch
        self.width = search.width
        self._search = search
        self._ids = [_first_token(text, model) for text in texts]
        self._noted: dict[int, list[float]] = {}

    def step(self, logits: Tensor, rows: list[Written]) -> list[Choice]:
        first = 0
        for row in rows:
            if row.number not in self._noted:
                self._noted[row.number] = logits[first, self._ids].tolist()
            first += row.live
        return self._search.step(logits, rows)

    def forget(self, number: int) -> None:
        self._search.forget(number)

    def events(self) -> Iterator[ProbesEvent]:
        for number, logits in self._noted.items():
            yield ProbesEvent(row=number, logits=logits)


def _first_token(text: str, model: Model) -> int:
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise WorkerError("bad-input", f"The probe {text!r} has no token; give a word.")
    return int(ids[0])
