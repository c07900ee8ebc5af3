"""The KV cache of a prompt, prefilled once, however many rows continue it.

A prompt of P tokens is split exactly: the first P - 1 are prefilled, and the last one is fed as the first
decoding step. So edits of the newest query act in steps of one query only, with the same result as an edit of
the last query in one full prefill, and a baseline and any number of edited rows share one prefill with plain
attention. Rows whose method changes the attention of other prompt tokens, too, have a prefill of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..attention import PromptStep
from ..errors import Cancelled
from ..memory import free_memory, is_out_of_memory
from ..models import Embedded, Model

# Prompts are prefilled together up to about this many tokens: more are not faster and cost memory.
_PREFILL_TOKENS = 8192


@dataclass(eq=False)
class Prefix:
    """A prefilled prompt: the keys and values of all tokens but the last, and the last to be fed."""

    keys: list[Tensor]  # by layer, [Hkv, P - 1, D]; in cross layers the image's, [Hkv, N, D]
    values: list[Tensor]  # of the same shapes
    length: int  # P - 1, the number of prompt tokens without the last
    cross_length: int  # N, the number of the image's tokens in cross layers
    last: Tensor  # [hidden], the embedding of the last token
    position: int  # the position of the last token
    image_positions: list[int]  # the key positions of the image's tokens


def prefill(
    model: Model,
    prompts: Sequence[Embedded],
    image_positions: Sequence[list[int]],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
    plan: Callable[[Sequence[int]], PromptStep | None] = lambda numbers: None,
) -> list[Prefix]:
    """Prefills prompts; those of one length run together, without padding.

    `image_positions` are the key positions of each prompt's image tokens. `plan` gets the numbers of prompts
    that run together and returns what is done to their attention, None for nothing. Raises Cancelled once
    `should_stop` says so; calls `progress` after every pass.
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
                    image_positions=image_positions[number],
                )
            progress()
    return [prefixes[number] for number in range(len(prompts))]


def _prefill(
    model: Model,
    prompts: Sequence[Embedded],
    numbers: Sequence[int],
    plan: Callable[[Sequence[int]], PromptStep | None],
) -> list[tuple[list[Tensor], list[Tensor]]]:
    """The keys and values by layer of the prompts with these numbers; by halves where memory runs out."""
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
