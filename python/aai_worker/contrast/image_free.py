"""The base of contrasts whose second stream answers the same question without the image."""

from __future__ import annotations

import msgspec

from ..errors import WorkerError
from ..inputs.prepare import Prepared
from ..models import Embedded, Model, VisionFeatures
from ..text.prompts import PLACEHOLDER, build_prompt
from .base import TwoStreams


class ImageFree(TwoStreams):
    """A contrast whose second stream has no image."""

    needs_image = True

    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        image_free_ids(model, sample)

    def prompt(self, model: Model, sample: Prepared, vision: VisionFeatures | None) -> Embedded:
        return embed_image_free(model, sample)


def embed_image_free(model: Model, sample: Prepared) -> Embedded:
    """The sample's prompt without the image, embedded."""
    return model.embed(image_free_ids(model, sample), None)


def image_free_ids(model: Model, sample: Prepared) -> list[int]:
    """The ids of the prompt that the template makes without an image; a raw prompt loses its placeholder.

    Raises WorkerError where fewer than two tokens are left.
    """
    text = sample.prompt.text.replace(PLACEHOLDER, "")
    prompt = msgspec.structs.replace(sample.prompt, text=text)
    ids = model.tokenise(build_prompt(prompt, False, model.tokenizer), None)
    if len(ids) < 2:
        raise WorkerError(
            "bad-input", f"Without the image the prompt has {len(ids)} token; at least 2 are needed."
        )
    return ids
