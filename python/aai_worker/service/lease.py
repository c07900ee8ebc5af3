"""A worker does not outlive its driver, however that one went.

Where the driver started the worker itself, the end of stdin tells. Where something else did (a scheduler,
another machine), silence does: a driver sends pings, and a worker that hears nothing for the length of its
lease leaves.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading

_PARTS = 4


class Lease:
    """Counted in waits without a message, not by the clock: a laptop that slept is no driver that went."""

    def __init__(self, seconds: float | None, folder: str | None) -> None:
        """`seconds`: None = no lease. `folder`: of the socket files, removed with the worker."""
        self.wait = None if seconds is None else int(1000 * seconds / _PARTS)  # milliseconds, for one wait
        self._seconds = seconds
        self._folder = folder
        self._silent = 0

    def heard(self, anything: bool) -> None:
        """After each wait. Ends the process where the lease has run out."""
        self._silent = 0 if anything else self._silent + 1
        if self.wait is not None and self._silent >= _PARTS:
            print(f"The driver has been silent for {self._seconds:g} s; leaving.", file=sys.stderr)
            leave(self._folder)


def leave_with_stdin(folder: str | None) -> None:
    """Ends the process when stdin ends, which another thread watches from now on."""

    def watch() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock would be held when the interpreter shuts down
            pass
        leave(folder)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def leave(folder: str | None) -> None:
    """Now, whatever else runs."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
