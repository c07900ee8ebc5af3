"""The array frames that came with a command, by index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import WorkerError


def read_array(arrays: Sequence[np.ndarray], index: int, what: str) -> np.ndarray:
    if not 0 <= index < len(arrays):
        raise WorkerError(
            "bad-input", f"The {what} is said to be array {index}, but {len(arrays)} arrays came along."
        )
    return arrays[index]
