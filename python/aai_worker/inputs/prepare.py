"""One sample of a command -> the ids and pixels that the model gets, or one sentence why that cannot be."""

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


class Keys(NamedTuple):
    """What a row attends to in the layers that see its image."""

    image: list[int]  # where the image tokens stand: in the prompt, or among the image's keys in cross layers
    shared: int  # so many are the prefix's
    own: bool  # then the last prompt token's and the answer's follow

    @property
    def of_prompt(self) -> int:
        return self.shared + int(self.own)


class Prepared(NamedTuple):
    ids: list[int]  # of the prompt, image tokens expanded
    keys: Keys
    image: int | tuple[int, str] | None  # what is looked at: the array it came from, with the prompt where
    # that tells how; samples may share it
    pixels: Pixels | None
    prompt: Prompt

    @property
    def size(self) -> int:
        """Keys that its prefix holds in the layer that holds most."""
        return max(len(self.ids), self.keys.shared)


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
    return Prepared(ids, find_keys(model, ids, pixels), image, pixels, sample.prompt)


def find_keys(model: Model, ids: list[int], pixels: Pixels | None) -> Keys:
    if not model.cross_layers:
        return Keys(model.image_keys(ids, pixels), len(ids) - 1, own=True)
    image = [] if pixels is None else model.image_keys(ids, pixels)
    return Keys(image, model.count_cross_keys(pixels), own=False)
