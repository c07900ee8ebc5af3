"""Token ids -> text, piece by piece: the pieces joined are the text of the whole."""

from __future__ import annotations

from typing import Any


class TextStream:
    """One row's text. Special tokens are left out; a character split over tokens comes with its last one."""

    def __init__(self, tokenizer: Any) -> None:
        self.text = ""
        self.tokenizer = tokenizer
        self._ids: list[int] = []
        # Decoding starts a few tokens back, not at the beginning: work stays linear in the answer's length.
        self._window = 0
        self._read = 0

    def push(self, token: int) -> str:
        """What `token` adds to the text."""
        self._ids.append(token)
        known = self._decode(self._ids[self._window : self._read])
        text = self._decode(self._ids[self._window :])
        if len(text) <= len(known) or text.endswith("\ufffd"):
            return ""
        self._window, self._read = self._read, len(self._ids)
        return self._add(text[len(known) :])

    def end(self) -> str:
        """What was held back: the beginning of a character that never came."""
        whole = self._decode(self._ids)
        # A decoder that takes back what it had said is not followed: the pieces sent already stand.
        return self._add(whole[len(self.text) :] if whole.startswith(self.text) else "")

    def _add(self, piece: str) -> str:
        self.text += piece
        return piece

    def _decode(self, ids: list[int]) -> str:
        return whole_text(self.tokenizer, ids)


def whole_text(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
