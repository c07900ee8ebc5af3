"""The miniature published files, converted, and what the tests of all three models share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, StoppingCriteria, StoppingCriteriaList

from aai_worker.checkpoints.__main__ import main

QUESTION = "What is on the table"


def convert(model: str, out: Path, **options: Path | str) -> Path:
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in {**options, "out": out}.items()]
    assert main([model, *arguments]) == 0
    return out


def native(folder: Path) -> Any:
    """transformers' own model in float32; nothing may be missing or left over."""
    model, info = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model.eval()


def assert_equal(made: torch.Tensor, expected: torch.Tensor) -> None:
    """To 1e-5 of the largest value: what float32 leaves of two ways to compute the same."""
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


class EndsWith(StoppingCriteria):
    """As MiniGPT-4's `StoppingCriteriaSub`, for every sequence of the batch."""

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        self.sequences = sequences

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        ends = [any(ids[-len(end) :] == list(end) for end in self.sequences) for ids in input_ids.tolist()]
        return torch.tensor(ends, device=input_ids.device)


def generate(
    model: Any,
    ids: list[int],
    pixels: torch.Tensor,
    tokens: int = 12,
    stops: Sequence[Sequence[int]] = (),
    **options: Any,
) -> list[int]:
    """The answer of transformers' `generate`."""
    made = model.generate(
        input_ids=torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        pixel_values=pixels,
        max_new_tokens=tokens,
        do_sample=False,
        stopping_criteria=StoppingCriteriaList([EndsWith(stops)]),
        **options,
    )
    return made[0, len(ids) :].tolist()
