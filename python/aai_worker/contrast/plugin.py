"""Contrasts that a user's plug-in declares (see `aai_worker.plugins`); the plug-in is called once per row."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..attention import AttentionStep
from ..inputs.prepare import Prepared
from ..kv.batch import Batch
from ..models import Embedded, Model, VisionFeatures
from ..plugins import find_plugin
from ..plugins.call import call_plugin
from .base import Outcome, TwoStreams, contrast_method
from .image_free import embed_image_free, image_free_ids
from .vcd import check_noise, embed_noisy


@contrast_method("plugin")
class PluginContrast(TwoStreams):
    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self._plugin = find_plugin("contrast", parameters.name, parameters.sha256, parameters.values)
        self._stream = self._plugin.declaration.public.stream
        self.needs_image = self.second_stream = self._stream != "none"

    @property
    def method(self) -> str:
        return str(self.parameters.name)

    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        if self._stream == "imageFree":
            image_free_ids(model, sample)
        if self._stream == "noisyImage":
            check_noise(self.method, self.parameters.noise_step)

    def prompt(self, model: Model, sample: Prepared, vision: VisionFeatures | None) -> Embedded:
        if self._stream == "imageFree":
            return embed_image_free(model, sample)
        return embed_noisy(model, sample, self.parameters.noise_step, self.parameters.noise_seed)

    def step(self, main: Batch, other: Batch | None, attention: AttentionStep | None, age: Tensor) -> Outcome:
        if other is not None:
            return super().step(main, other, attention, age)
        plain = main.step(attention)
        return Outcome(plain, self._call([plain], age))

    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        return self._call([main, other], age)

    def _call(self, streams: list[Tensor], age: Tensor) -> Tensor:
        """The plug-in's logits [R, V], from those of each stream, [R, V]."""
        return torch.stack(
            [
                call_plugin(self._plugin, [logits.clone() for logits in row], {"generated": generated})
                for *row, generated in zip(*streams, age[:, 0].tolist(), strict=True)
            ]
        )
