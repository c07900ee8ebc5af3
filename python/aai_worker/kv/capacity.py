"""An estimate of how many rows fit into the free memory."""

from __future__ import annotations

from pathlib import Path

import torch

from ..models import Model

# The share of the free memory that rows and prompts may take: prefills and temporaries need some, too.
_SHARE = 0.7
_COPIES = 2  # A prompt is held as it was prefilled and once more among the prompts of all live rows.
_MOST_ROWS = 512  # More rows at once are hardly faster.


def rows_that_fit(model: Model, own: int, prompt: float, streams: int) -> int:
    """How many rows can be written at once, at least 1, by the free memory of every device.

    `own` is the most tokens that a row writes. `prompt` is the number of prompt keys in one layer per row: a
    prompt that rows share is divided among them. `streams` is 2 where every row has a second stream, else 1.
    """
    config = model.text_config
    kv_heads = getattr(config, "num_key_value_heads", None) or model.heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // model.heads
    # Bytes of one token's key and value in all layers.
    token = 2 * model.layers * kv_heads * head_size * model.dtype.itemsize
    cached = streams * token * (own + 1 + _COPIES * prompt)
    logits = 4 * 4 * config.vocab_size  # Four float32 [V]: the logits and what a search makes of them.
    free = [_available(device) for device in model.devices]
    known = [bytes for bytes in free if bytes is not None]
    if len(known) < len(free):
        return _MOST_ROWS
    available = len(known) * min(known)  # Layers are spread evenly, so the fullest device decides.
    return max(1, min(_MOST_ROWS, int(_SHARE * available / (cached + logits))))


def _available(device: torch.device) -> int | None:
    """The free memory of the device in bytes, None where it is not known."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    report = Path("/proc/meminfo")
    if device.type != "cpu" or not report.is_file():
        return None
    fields = dict(line.split(":") for line in report.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
