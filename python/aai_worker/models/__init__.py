"""Model families, one adapter file each, found by the `model_type` of a checkpoint's config.json."""

from .family import Embedded, Look, Model, Pixels
from .llava import Llava

FAMILIES: dict[str, type[Model]] = {"llava": Llava}

__all__ = ["FAMILIES", "Embedded", "Look", "Model", "Pixels"]
