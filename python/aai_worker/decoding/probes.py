"""Probes: words whose logits are noted at the first step, whatever token is then chosen."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import WorkerError
from ..models import Model


def first_tokens(texts: Sequence[str], model: Model) -> list[int]:
    """The id of each text's first token. Raises WorkerError for a text without a token."""
    return [_first_token(text, model) for text in texts]


def _first_token(text: str, model: Model) -> int:
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise WorkerError("bad-input", f"The probe {text!r} has no token; give a word.")
    return int(ids[0])
