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
    keys: list[Tensor]  # by layer, [Hkv, P - 1, D]; in cross layers the image's, [Hkv, N, D]
    values: list[Tensor]
    length: int  # P - 1: all of the prompt's tokens but the last
    cross_length: int  # N
    last: Tensor  # [hidden], the last token, embedded
    position: int  # of the last token
    image_keys: list[int]  # where the image tokens stand among those keys


def prefill(
    model: Model,
    prompts: Sequence[Embedded],
    image_keys: Sequence[list[int]],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> list[Prefix]:
    """Prompts with their image keys. Those of one length run together, without padding."""
    prefixes: dict[int, Prefix] = {}
    alike: dict[tuple[int, int], list[int]] = {}
    for number, prompt in enumerate(prompts):
        alike.setdefault((len(prompt.embedded), prompt.cross_length), []).append(number)
    for lengths, numbers in alike.items():
        size = max(1, _PREFILL_TOKENS // sum(lengths))
        for start in range(0, len(numbers), size):
            if should_stop():
                raise Cancelled
            part = numbers[start : start + size]
            stored = _prefill(model, [prompts[number] for number in part])
            for number, (keys, values) in zip(part, stored, strict=True):
                prefixes[number] = Prefix(
                    keys=keys,
                    values=values,
                    length=len(prompts[number].embedded) - 1,
                    cross_length=max((keys[layer].shape[1] for layer in model.cross_layers), default=0),
                    last=prompts[number].embedded[-1],
                    position=prompts[number].last_position,
                    image_keys=image_keys[number],
                )
            progress()
    return [prefixes[number] for number in range(len(prompts))]


def _prefill(model: Model, prompts: Sequence[Embedded]) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Keys and values of each prompt, by layer; half of the prompts at a time where memory ends."""
    try:
        return model.prefill(prompts)
    except Exception as error:
        if len(prompts) == 1 or not is_out_of_memory(error):
            raise
    free_memory(model.device)
    half = len(prompts) // 2
    return [*_prefill(model, prompts[:half]), *_prefill(model, prompts[half:])]
