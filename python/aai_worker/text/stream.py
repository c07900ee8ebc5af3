"""Token ids -> text, piece by piece: the pieces joined are the text of the whole."""

from __future__ import annotations

from typing import Any


class TextStream:
    """One row's text. Special tokens are left out; a character split over tokens comes with its last one.

    It ends before the first of `stop_texts`; what may become one is held back until that is decided.
    """

    def __init__(self, tokenizer: Any, stop_texts: tuple[str, ...] = ()) -> None:
        self.text = ""
        self.tokenizer = tokenizer
        self.stop_texts = stop_texts
        self._held = ""
        self._stopped = False
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

    def stop(self, token: int) -> str:
        """The end of an answer that `token` ended, which is no part of the text."""
        # The last token of a stop sequence is needed to know the text of the sequence.
        return (self.push(token) if self.stop_texts else "") + self.end()

    def end(self) -> str:
        """What was held back: the beginning of a character, or of a stop text, that never came."""
        whole, known = self._decode(self._ids), self.text + self._held
        # A decoder that takes back what it had said is not followed: the pieces sent already stand.
        piece = self._add(whole[len(known) :] if whole.startswith(known) else "")
        return piece + self._release()

    def whole(self, ids: list[int], stopped: bool) -> str:
        """The text of an answer known as a whole. `stopped`: its last token ended it."""
        text = self._decode(ids[:-1] if stopped and not self.stop_texts else ids)
        return text[: self._find_stop(text)]

    def _add(self, piece: str) -> str:
        if self._stopped:
            return ""
        pending = self._held + piece
        end = self._find_stop(pending)
        self._stopped = end is not None
        split = len(pending) - self._undecided(pending) if end is None else end
        self._held = "" if self._stopped else pending[split:]
        self.text += pending[:split]
        return pending[:split]

    def _find_stop(self, text: str) -> int | None:
        """Where the first stop text begins."""
        return min((index for stop in self.stop_texts if (index := text.find(stop)) >= 0), default=None)

    def _undecided(self, pending: str) -> int:
        """Length of the longest end of `pending` with which a stop text begins."""
        lengths = range(1, max(map(len, self.stop_texts), default=0))
        return max((n for n in lengths if pending.endswith(tuple(t[:n] for t in self.stop_texts))), default=0)

    def _release(self) -> str:
        held, self._held = self._held, ""
        self.text += held
        return held

    def _decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
