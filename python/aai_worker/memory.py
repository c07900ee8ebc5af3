"""Memory: running out of it, whichever allocator it is that gives up, and how many rows fit into it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .errors import WorkerError

if TYPE_CHECKING:
    from .models import Model

_SHARE = 0.7  # of the free memory that rows and prompts may take: prefills and temporaries need some, too
_COPIES = 2  # of a prompt: as it was prefilled, and among those of all live rows
_MOST_ROWS = 512  # more gain next to nothing


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


def rows_that_fit(model: Model, own: int, prompt: float, streams: int) -> int:
    """How many rows can be written at once, at least 1: by the free memory of every device.

    `own`: tokens that a row writes at most. `prompt`: keys of prompts a row, in one layer; rows may share a
    prompt. `streams`: 2 where every row has a second one.
    """
    config = model.text_config
    kv_heads = getattr(config, "num_key_value_heads", None) or model.heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // model.heads
    key = 2 * model.layers * kv_heads * head_size * model.dtype.itemsize  # and value, in all layers
    cached = streams * key * (own + 1 + _COPIES * prompt)
    logits = 4 * 4 * config.vocab_size  # float32, and what a search makes of it
    free = [_available(device) for device in model.devices]
    known = [bytes for bytes in free if bytes is not None]
    if len(known) < len(free):
        return _MOST_ROWS
    available = len(known) * min(known)  # layers are spread evenly: the fullest device decides
    return max(1, min(_MOST_ROWS, int(_SHARE * available / (cached + logits))))


def _available(device: torch.device) -> int | None:
    """Bytes; None where nobody tells."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    report = Path("/proc/meminfo")
    if device.type != "cpu" or not report.is_file():
        return None
    fields = dict(line.split(":") for line in report.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
