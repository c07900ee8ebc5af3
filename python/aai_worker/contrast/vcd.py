"""VCD, "Visual Contrastive Decoding" (CVPR 2024): contrast with the same image under noise.

logits = (1 + alpha) * l(image) - alpha * l(noisy image), then the plausibility constraint on l(image). The
noise is that of step t of a diffusion schedule of 1000 steps, added to the tower's normalised input.
"""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from ..errors import WorkerError
from ..inputs.prepare import Prepared
from ..models import Embedded, Model, VisionFeatures
from .base import TwoStreams, contrast_method, keep_plausible

_STEPS = 1000


@contrast_method("vcd")
class Vcd(TwoStreams):
    needs_image = True

    def check(self, model: Model, sample: Prepared) -> None:
        super().check(model, sample)
        check_noise(self.method, self.parameters.noise_step)

    def prompt(self, model: Model, sample: Prepared, vision: VisionFeatures | None) -> Embedded:
        return embed_noisy(model, sample, self.parameters.noise_step, self.parameters.seed)

    def combine(self, main: Tensor, other: Tensor, age: Tensor) -> Tensor:
        alpha = self.parameters.alpha
        return keep_plausible((1 + alpha) * main - alpha * other, main, self.parameters.beta)


def check_noise(method: str, step: int) -> None:
    """Raises WorkerError unless the diffusion schedule has this step."""
    if step >= _STEPS:
        raise WorkerError("bad-input", f"{method}: noiseStep is {step}; it may be {_STEPS - 1} at most.")


def embed_noisy(model: Model, sample: Prepared, step: int, seed: int) -> Embedded:
    """The sample's prompt with its image under noise, embedded."""
    assert sample.pixels is not None
    noisy = add_noise(sample.pixels.values, step, seed)
    pixels = sample.pixels._replace(values=model.repeat_first_frame(noisy))
    return model.embed(sample.ids, model.encode_image(pixels, frozenset()))


def add_noise(pixels: Tensor, step: int, seed: int) -> Tensor:
    """The pixels under noise, in their shape and dtype. The noise depends on seed and pixels alone."""
    signal, deviation = noise_level(step)
    own = torch.Generator().manual_seed(seed + zlib.crc32(pixels.numpy().tobytes()))
    noise = torch.randn(pixels.shape, generator=own, dtype=torch.float32)
    return signal * pixels + deviation * noise.to(pixels.dtype)


def noise_level(step: int) -> tuple[float, float]:
    """sqrt(abar_t) and sqrt(1 - abar_t) at t = `step`; abar_t is the product of 1 - b_i over all i <= t."""
    b = torch.sigmoid(torch.linspace(-6, 6, _STEPS, dtype=torch.float64)) * (0.5e-2 - 1e-5) + 1e-5
    kept = float((1 - b)[: step + 1].prod())
    return kept**0.5, (1 - kept) ** 0.5
