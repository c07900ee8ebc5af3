"""Probes: words whose logits are noted when the first token is chosen, whatever is then written."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import WorkerError
from ..models import Model


def first_tokens(texts: Sequence[str], model: Model) -> list[int]:
    """A text counts by its first token."""
    return [_first_token(text, model) for text in texts]


def _first_token(text: str, model: Model) -> int:
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise WorkerError("bad-input", f"The probe {text!r} has no token; give a word.")
    return int(ids[0])
