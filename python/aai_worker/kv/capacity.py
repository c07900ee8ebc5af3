"""How many rows fit into the free memory."""

from __future__ import annotations

from pathlib import Path

import torch

from ..models import Model

_SHARE = 0.7  # of the free memory that rows and prompts may take: prefills and temporaries need some, too
_COPIES = 2  # of a prompt: as it was prefilled, and among those of all live rows
_MOST_ROWS = 512  # more gain next to nothing


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
