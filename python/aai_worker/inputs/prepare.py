"""Turns a sample of a command into the ids and pixels that the model gets, or refuses it in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import WorkerError
from ..models import Model, Pixels
from ..protocol import Prompt, Sample
from ..text.prompts import PLACEHOLDER, build_prompt
from .arrays import read_array
from .images import decode_image


class KeyPositions(NamedTuple):
    """The key positions of a row in the layers that attend to its image."""

    # The positions of the image's tokens: in the prompt, or in cross layers among the image's keys.
    image: list[int]
    shared: int  # the number of positions that belong to the prompt's prefix
    own: bool  # whether the last prompt token and the answer's tokens have the positions behind these

    @property
    def of_prompt(self) -> int:
        """The number of positions that belong to the prompt."""
        return self.shared + int(self.own)


class Prepared(NamedTuple):
    """A sample as the model takes it."""

    ids: list[int]  # the prompt's token ids, image tokens expanded
    positions: KeyPositions
    # The image's identity, which samples may share: the number of its array, with the prompt where the vision
    # pass reads that, too.
    image: int | tuple[int, str] | None
    pixels: Pixels | None
    prompt: Prompt

    @property
    def size(self) -> int:
        """The number of keys that a prefix of the sample holds in the layer that holds most."""
        return max(len(self.ids), self.positions.shared)


def prepare_sample(model: Model, sample: Sample, arrays: Sequence[np.ndarray]) -> Prepared:
    pixels = (
        None
        if sample.image is None
        else model.preprocess(decode_image(read_array(arrays, sample.image, "image").tobytes()))
    )
    prompt = build_prompt(sample.prompt, sample.image is not None, model.tokenizer)
    image: int | tuple[int, str] | None = sample.image
    if pixels is not None and sample.image is not None and model.instructed:
        text = prompt.replace(PLACEHOLDER, "")
        pixels, image = model.instruct(pixels, text), (sample.image, text)
    ids = model.tokenise(prompt, pixels)
    if len(ids) < 2:
        raise WorkerError("bad-input", f"The prompt has {len(ids)} token; at least 2 are needed.")
    if len(ids) >= model.context_length:
        raise WorkerError(
            "prompt-too-long",
            f"The prompt has {len(ids)} tokens, image included, which leaves no room for an answer in the "
            f"model's context of {model.context_length}; shorten it.",
        )
    return Prepared(ids, _find_positions(model, ids, pixels), image, pixels, sample.prompt)


def _find_positions(model: Model, ids: list[int], pixels: Pixels | None) -> KeyPositions:
    if not model.cross_layers:
        return KeyPositions(model.image_positions(ids, pixels), len(ids) - 1, own=True)
    image = [] if pixels is None else model.image_positions(ids, pixels)
    return KeyPositions(image, model.count_cross_keys(pixels), own=False)
