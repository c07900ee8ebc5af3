"""Contrasts with the answer to the same question without the image."""

from __future__ import annotations

import msgspec

from ..errors import WorkerError
from ..inputs.prepare import Prepared
from ..models import Embedded, Model, VisionFeatures
from ..text.prompts import PLACEHOLDER, build_prompt
from .base import TwoStreams


class ImageFree(TwoStreams):
    needs_image = True

    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        image_free_ids(model, sample)

    def prompt(self, model: Model, sample: Prepared, vision: VisionFeatures | None) -> Embedded:
        return embed_image_free(model, sample)


def embed_image_free(model: Model, sample: Prepared) -> Embedded:
    return model.embed(image_free_ids(model, sample), None)


def image_free_ids(model: Model, sample: Prepared) -> list[int]:
    """As the prompt's template writes a question without an image; a raw prompt loses its placeholder."""
    text = sample.prompt.text.replace(PLACEHOLDER, "")
    prompt = msgspec.structs.replace(sample.prompt, text=text)
    ids = model.tokenise(build_prompt(prompt, False, model.tokenizer), None)
    if len(ids) < 2:
        raise WorkerError(
            "bad-input", f"Without the image the prompt has {len(ids)} token; at least 2 are needed."
        )
    return ids
