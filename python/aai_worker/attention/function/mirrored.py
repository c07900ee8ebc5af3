"""Small tensors that every layer needs, on each device that holds layers of the model."""

from __future__ import annotations

import torch
from torch import Tensor


class Mirrored:
    """A tensor with its copies on other devices, each made once, when it is first asked for."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self._copies = {tensor.device: tensor}

    def on(self, device: torch.device) -> Tensor:
        """The tensor on this device."""
        if device not in self._copies:
            self._copies[device] = self._tensor.to(device)
        return self._copies[device]
