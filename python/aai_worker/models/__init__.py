"""Model families, one adapter file each, found by the `model_type` of a checkpoint's config.json."""

from .family import Look, Model
from .llava import Llava

FAMILIES: dict[str, type[Model]] = {"llava": Llava}

__all__ = ["FAMILIES", "Look", "Model"]
