"""What a row's answer continues: its prompt, prefilled once however many rows share it.

Exact split: every prompt's `prompt[:-1]` is prefilled with plain attention, and its last token is fed as the
first step of length 1. So attention is edited in steps of one query only, with the same result as an edit of
the last query in one full prefill, and a baseline and any number of edited rows share one prefill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from .errors import Cancelled
from .memory import free_memory, is_out_of_memory
from .models import Embedded, Model

# Prompts are prefilled together up to about this many tokens: more gains no speed and costs memory.
_PREFILL_TOKENS = 8192


@dataclass(eq=False)
class Prefix:
    keys: list[Tensor]  # by layer, [Hkv, P - 1, D]
    values: list[Tensor]
    last: Tensor  # [hidden], the last token, embedded
    position: int  # of the last token
    image_keys: list[int]  # where the image tokens stand in the prompt

    def __len__(self) -> int:
        """Tokens whose keys and values are here: all but the prompt's last."""
        return self.keys[0].shape[1]


def prefill(
    model: Model,
    prompts: Sequence[Embedded],
    image_keys: Sequence[list[int]],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> list[Prefix]:
    """Prompts with their image keys. Those of one length run together, without padding."""
    prefixes: dict[int, Prefix] = {}
    lengths: dict[int, list[int]] = {}
    for number, prompt in enumerate(prompts):
        lengths.setdefault(len(prompt.embedded), []).append(number)
    for length, numbers in lengths.items():
        size = max(1, _PREFILL_TOKENS // length)
        for start in range(0, len(numbers), size):
            if should_stop():
                raise Cancelled
            part = numbers[start : start + size]
            layers = _prefill(model, [prompts[number] for number in part])
            for number, (keys, values) in zip(part, layers, strict=True):
                prefixes[number] = Prefix(
                    keys=keys,
                    values=values,
                    last=prompts[number].embedded[-1],
                    position=prompts[number].last_position,
                    image_keys=image_keys[number],
                )
            progress()
    return [prefixes[number] for number in range(len(prompts))]


def _prefill(model: Model, prompts: Sequence[Embedded]) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Keys and values of each prompt, by layer; half of the prompts at a time where memory ends."""
    try:
        layers = model.prefill(prompts)
    except Exception as error:
        if len(prompts) == 1 or not is_out_of_memory(error):
            raise
    else:
        return [
            ([keys[row] for keys, _ in layers], [values[row] for _, values in layers])
            for row in range(len(prompts))
        ]
    free_memory(model.device)
    half = len(prompts) // 2
    return [*_prefill(model, prompts[:half]), *_prefill(model, prompts[half:])]
