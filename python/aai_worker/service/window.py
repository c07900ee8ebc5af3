"""Backpressure in bytes: how much may be on the way to a reader who has not read it yet."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Window:
    """Bytes sent and not yet given back by the reader; `take` waits while they would exceed the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting = False
        self._outstanding = 0
        self._changed = threading.Condition()

    def has_room(self, size: int) -> bool:
        # A message larger than the window goes when nothing else is on the way.
        return self._outstanding == 0 or self._outstanding + size <= self.limit

    def take(self, size: int, should_stop: Callable[[], bool]) -> bool:
        """Waits for room; False where `should_stop` turned true meanwhile."""
        with self._changed:
            self.waiting = True
            try:
                while not self.has_room(size):
                    if should_stop():
                        return False
                    self._changed.wait(timeout=0.1)
            finally:
                self.waiting = False
            self._outstanding += size
            return True

    def give(self, size: int) -> None:
        """Called from the control thread when the reader has read `size` bytes."""
        with self._changed:
            self._outstanding = max(0, self._outstanding - size)
            self._changed.notify_all()
