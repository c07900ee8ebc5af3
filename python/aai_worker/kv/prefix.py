"""What a row's answer continues: its prompt, prefilled once however many rows share it.

Exact split: every prompt's `prompt[:-1]` is prefilled, and its last token is fed as the first step of length
1. So edits of the newest query act in steps of one query only, with the same result as an edit of the last
query in one full prefill, and a baseline and any number of edited rows share one prefill with plain
attention. Where a method changes the attention of other prompt tokens, too, its rows have their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..attention import PromptStep
from ..errors import Cancelled
from ..memory import free_memory, is_out_of_memory
from ..models import Embedded, Model

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
    plan: Callable[[Sequence[int]], PromptStep | None] = lambda numbers: None,
) -> list[Prefix]:
    """Prompts with their image keys. Those of one length run together, without padding.

    `plan`: what is done to the attention of the prompts with these numbers, which run together.
    """
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
            stored = _prefill(model, prompts, part, plan)
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


def _prefill(
    model: Model,
    prompts: Sequence[Embedded],
    numbers: Sequence[int],
    plan: Callable[[Sequence[int]], PromptStep | None],
) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Of the prompts with these numbers: keys and values by layer; by halves where memory ends."""
    try:
        return model.prefill([prompts[number] for number in numbers], plan(numbers))
    except Exception as error:
        if len(numbers) == 1 or not is_out_of_memory(error):
            raise
    free_memory(model.device)
    half = len(numbers) // 2
    return [
        part for some in (numbers[:half], numbers[half:]) for part in _prefill(model, prompts, some, plan)
    ]
