"""Fewer bits for the decoder's weights. Vision tower, projector and LM head keep theirs.

A quantised tower would show another attention than the published one, and that is the vision reference.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText, BitsAndBytesConfig

from ..errors import WorkerError

# As `dtype` names them when a checkpoint is loaded.
SCHEMES = ("int8", "nf4")

# Of checkpoints that are stored quantised: the packages that compute with them.
_PACKAGES = {
    "bitsandbytes": "bitsandbytes",
    "gptq": "gptqmodel",
    "awq": "gptqmodel",
    "compressed-tensors": "compressed_tensors",
}


def quantise(folder: Path, scheme: str, device: torch.device) -> BitsAndBytesConfig:
    """transformers' configuration for loading the checkpoint in `folder` under one of SCHEMES."""
    what = f'dtype "{scheme}"'
    _check_device(what, device)
    _check_package(what, "bitsandbytes")
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    with torch.device("meta"):
        kept = parts_beside_decoder(AutoModelForImageTextToText.from_config(config))
    if scheme == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=config.dtype or torch.bfloat16,
        llm_int8_skip_modules=kept,  # of 4 bits, too, whatever its name
    )


def check_stored_quantisation(folder: Path, device: torch.device) -> None:
    """A checkpoint that is stored in fewer bits needs a GPU and its own package."""
    settings = json.loads((folder / "config.json").read_text()).get("quantization_config")
    if not settings:
        return
    method = str(settings.get("quant_method", "bitsandbytes"))
    what = f'"{folder}", stored quantised ({method}),'
    if method not in _PACKAGES:
        raise WorkerError(
            "bad-checkpoint",
            f"{what} is not supported; supported: {', '.join(_PACKAGES)}. Take the checkpoint that is not "
            'quantised, with dtype "int8" or "nf4" where memory is short.',
        )
    _check_device(what, device)
    _check_package(what, _PACKAGES[method])


def parts_beside_decoder(network: Any) -> list[str]:
    """Full names of the modules that hold no part of the decoder, the largest ones only."""
    decoder = next(name for name, module in network.named_modules() if module is network.get_decoder())
    return _beside(network, decoder, "")


def _beside(module: nn.Module, decoder: str, name: str) -> list[str]:
    if name == decoder or f"{name}.".startswith(f"{decoder}."):
        return []
    if name and not f"{decoder}.".startswith(f"{name}."):
        return [name]
    children = module.named_children()
    return [part for key, child in children for part in _beside(child, decoder, f"{name}.{key}".lstrip("."))]


def _check_device(what: str, device: torch.device) -> None:
    if device.type != "cuda":
        raise WorkerError(
            "bad-input",
            f'{what} needs a CUDA GPU, and the worker runs on "{device}". Take float32 here, or a GPU.',
        )


def _check_package(what: str, package: str) -> None:
    if find_spec(package) is None:
        raise WorkerError(
            "bad-input",
            f"{what} needs the package {package}, which is not installed in the worker's Python environment. "
            f"Install it there: pip install {package.replace('_', '-')}.",
        )
