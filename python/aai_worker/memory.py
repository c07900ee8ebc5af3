"""Running out of memory, whichever allocator it is that gives up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .errors import WorkerError


@contextmanager
def memory_faults(advice: str) -> Iterator[None]:
    """Turns the several ways of running out of memory into one `WorkerError`."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        detail = str(error).splitlines()[0] if str(error) else "no further detail"
        raise WorkerError("out-of-memory", f"Out of memory ({detail}): {advice}.") from error


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # torch's CPU allocator, and some CUDA libraries, have no type of their own for it.
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in text or "out of memory" in text.lower()
    )


def free_memory(device: torch.device) -> None:
    """Gives back what nothing refers to any longer."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
