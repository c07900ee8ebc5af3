"""Running out of memory, whichever allocator it is that gives up, as one `WorkerError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .errors import WorkerError


@contextmanager
def memory_faults(advice: str) -> Iterator[None]:
    """Turns the several ways of running out of memory into one `WorkerError`."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _out_of_memory(error, advice) from error
    except RuntimeError as error:
        # torch's CPU allocator, and some CUDA libraries, have no type of their own for it.
        if "can't allocate memory" not in str(error) and "out of memory" not in str(error).lower():
            raise
        raise _out_of_memory(error, advice) from error


def _out_of_memory(error: BaseException, advice: str) -> WorkerError:
    detail = str(error).splitlines()[0] if str(error) else "no further detail"
    return WorkerError("out-of-memory", f"Out of memory ({detail}): {advice}.")
