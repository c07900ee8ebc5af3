"""Turns a caller's edits into edits of a row's key positions, and refuses those that cannot act."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from ..attention import REFERENCES, RowEdit
from ..errors import WorkerError
from ..inputs.arrays import read_array
from ..inputs.prepare import KeyPositions
from ..models import Model
from ..plugins import find_plugin
from ..plugins.registry import BoundPlugin
from ..protocol import AttentionEdit, PluginEditParameters
from ..vision.reference import Reference, is_cls_mode, is_constant


class EditRequest(NamedTuple):
    """An edit that is checked, but not bound to a prompt yet."""

    parameters: Any  # of the protocol's `AttentionEdit`
    reference: Tensor | None  # [image tokens] float32, the caller's; None = extracted from the row's image
    hook: str | None  # the name of the installed hook that it comes from
    plugin: BoundPlugin | None  # the user's plug-in, where it declares the method

    @property
    def modes(self) -> list[str]:
        """The modes of the vision references that the method takes."""
        if self.plugin is not None and not self.plugin.declaration.public.takes_reference:
            return []
        references = REFERENCES.get(self.parameters.__struct_config__.tag)
        return [] if references is None else list(references.modes(self.parameters))

    @property
    def extracted(self) -> list[str]:
        """The modes of the references that are extracted from the row's image."""
        return self.modes if self.reference is None else []

    @property
    def edits_prompt(self) -> bool:
        """Whether the prompt's queries are edited, too, while it is prefilled."""
        return getattr(self.parameters, "queries", "newest") == "behindImage"


def request_edit(
    edit: AttentionEdit, arrays: Sequence[np.ndarray], model: Model, hook: str | None = None
) -> EditRequest:
    """The edit, after all checks that need no prompt. `arrays` are the command's. Raises WorkerError."""
    parameters = edit.parameters
    for name, value in msgspec.structs.asdict(parameters).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise WorkerError("bad-input", f"{name} is {value}; a finite number is needed.")
    start, end = parameters.layers
    if start >= end:
        raise WorkerError(
            "bad-input", f"The layer range [{start}, {end}) is empty; its start must lie below its end."
        )
    if end > model.layers:
        raise WorkerError(
            "hook-unmatched",
            f"The layer range [{start}, {end}) reaches outside the model, whose decoder has layers 0 to "
            f"{model.layers - 1}; its end may be {model.layers} at most.",
        )
    if not find_layers(parameters, model):
        raise WorkerError(
            "hook-unmatched",
            f"The layer range [{start}, {end}) holds none of the layers that attend to the image; these are "
            f"{', '.join(map(str, model.image_layers))}.",
        )
    reference = None if edit.reference is None else _read_reference(edit.reference, arrays)
    plugin = None
    if isinstance(parameters, PluginEditParameters):
        plugin = find_plugin("attention", parameters.name, parameters.sha256, parameters.values)
    request = EditRequest(parameters, reference, hook, plugin)
    method = parameters.__struct_config__.tag if plugin is None else plugin.declaration.name
    if reference is not None and len(request.modes) != 1:
        raise WorkerError("bad-input", f"{method} takes no vision reference; leave it out.")
    if any(map(is_cls_mode, request.modes)) and not model.has_cls_attention:
        raise WorkerError(
            "hook-unmatched",
            f"{method} reads what the vision encoder's CLS token attends to, patch by patch, and "
            f"{model.family} has no such token, or no image tokens that are patches.",
        )
    return request


def find_layers(parameters: Any, model: Model) -> frozenset[int]:
    """The decoder layers in which an edit acts."""
    start, end = parameters.layers
    return frozenset(layer for layer in model.image_layers if start <= layer < end)


def find_positions(request: EditRequest, image_positions: list[int], row: KeyPositions) -> list[int]:
    """The key positions of a row that the edit acts on; `image_positions` are those by default.

    Raises WorkerError where the edit could not act.
    """
    positions = image_positions
    if request.parameters.image_keys is not None:
        start, end = request.parameters.image_keys
        if not start < end <= row.of_prompt:
            where = "in the prompt, which has {} tokens" if row.own else "among the image's {} keys"
            raise WorkerError(
                "hook-unmatched", f"imageKeys [{start}, {end}) do not lie {where.format(row.of_prompt)}."
            )
        positions = list(range(start, end))
    if not positions:
        raise WorkerError(
            "hook-unmatched",
            "The prompt has no image token, so the edit would act on nothing; give an image or imageKeys.",
        )
    if not request.modes:
        return positions
    given = None if request.reference is None else len(request.reference)
    if given is None and not image_positions:
        raise WorkerError(
            "hook-unmatched", "There is no image to extract a reference from; give the reference."
        )
    expected = len(image_positions) if given is None else given
    if expected != len(positions):
        raise WorkerError(
            "hook-unmatched",
            f"The vision reference has {expected} values, but the edit acts on {len(positions)} image keys "
            f"({positions[0]} to {positions[-1]}); the two must agree.",
        )
    return positions


def bind_edit(
    request: EditRequest,
    positions: list[int],
    shared: int,
    extracted: dict[str, Reference],
    model: Model,
) -> RowEdit:
    """The edit of one row at these key positions; positions below `shared` belong to its prompt's prefix.

    `extracted` are the image's references by mode.
    """
    edit = RowEdit(
        parameters=request.parameters,
        hook=request.hook,
        layers=find_layers(request.parameters, model),
        positions=torch.tensor(positions, device=model.device),
        shared=shared,
        reference=torch.empty(0),
        constant=False,
        plugin=request.plugin,
    )
    if request.modes:
        given = [extracted[mode].tokens for mode in request.extracted] or [request.reference]
        weigh = REFERENCES[edit.method].weigh
        edit.reference = weigh(request.parameters, given).to(model.device)
        edit.constant = all(map(is_constant, given))
    return edit


def _read_reference(index: int, arrays: Sequence[np.ndarray]) -> Tensor:
    """The caller's vision reference, [image tokens] float32. Raises WorkerError."""
    array = read_array(arrays, index, "reference")
    if array.dtype != np.float32 or array.ndim != 1 or array.size == 0:
        raise WorkerError(
            "bad-input",
            f"The vision reference is {array.dtype} of shape {list(array.shape)}; float32 [image tokens] is "
            "needed.",
        )
    if not np.isfinite(array).all():
        raise WorkerError("bad-input", "The vision reference holds values that are not finite.")
    return torch.from_numpy(array.copy())
