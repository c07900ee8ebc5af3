"""Token ids -> text, piece by piece: the pieces joined are the text of the whole."""

from __future__ import annotations

from typing import Any


class TextStream:
    """One row's text. Special tokens are left out; a character split over tokens comes with its last one."""

    def __init__(self, tokenizer: Any) -> None:
        self.text = ""
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        # Decoding starts a few tokens back, not at the beginning: work stays linear in the answer's length.
        self._window = 0
        self._read = 0

    def push(self, token: int, last: bool) -> str:
        """What `token` adds to the text; with `last`, also whatever was held back."""
        self._ids.append(token)
        piece = self._last_piece() if last else self._next_piece()
        self.text += piece
        return piece

    def _next_piece(self) -> str:
        known = self._decode(self._ids[self._window : self._read])
        text = self._decode(self._ids[self._window :])
        if len(text) <= len(known) or text.endswith("\ufffd"):
            return ""
        self._window, self._read = self._read, len(self._ids)
        return text[len(known) :]

    def _last_piece(self) -> str:
        whole = self._decode(self._ids)
        if whole.startswith(self.text):
            return whole[len(self.text) :]
        # The decoder took back what it had said: the pieces already sent stand.
        return self._decode(self._ids[self._window :])[
            len(self._decode(self._ids[self._window : self._read])) :
        ]

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
