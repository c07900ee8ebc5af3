"""What a checkpoint is, by the worker's own adapters, on a network without memory: no weights are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import torch
from huggingface_hub import snapshot_download
from PIL import Image
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForImageTextToText

from ..errors import WorkerError
from ..models import Model
from ..models.family import TYPICAL_SIZE
from ..models.generation_config import check_generation_config, read_generation_config
from ..protocol import Prompt
from ..text.prompts import build_prompt
from .load import find_family, load_image_processor, load_tokenizer
from .sources import find_checkpoint
from .weight_files import check_weights, unused_weights, weight_files

QUESTION = "Please describe this image in detail."


def inspect_checkpoint(source: str) -> dict[str, Any]:
    """`ModelDescription` as the protocol writes it, and more. WorkerError where this is no usable checkpoint.

    `prompt`: QUESTION in `template`, which is the checkpoint's own ("chat") where it has one.
    `imageRuns`: runs [start, end) of image tokens in `prompt`, for an image of TYPICAL_SIZE.
    `referenceShape`: [rows, columns].
    `dtypes` and `weightBytes`: of the safetensors files, None where they are not on this disk.
    `unusedWeights`: names of the folder's other files with weights, which are not read.
    """
    folder = find_settings(source)
    model = build_without_weights(folder, source)
    description = model.describe()
    template = description.templates[0]
    prompt = build_prompt(Prompt(text=QUESTION, template=template), True, model.tokenizer)
    pixels = model.preprocess(Image.new("RGB", TYPICAL_SIZE))
    ids = model.tokenise(prompt, pixels)
    return {
        **msgspec.to_builtins(description),
        "template": template,
        "prompt": prompt,
        "promptTokens": len(ids),
        "imageRuns": runs_of(model.image_positions(ids, pixels)),
        "referenceShape": list(description.vision_tower.grid),
        **stored_weights(folder),
    }


def find_settings(source: str) -> Path:
    """The folder with the checkpoint's small files; those of a hub id are fetched without its weights."""
    try:
        return find_checkpoint(source, None, offline=True)
    except WorkerError:
        if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", source) or Path(source).exists():
            raise
    try:
        return Path(snapshot_download(source, allow_patterns=["*.json", "*.jinja", "*.model", "*.txt"]))
    except Exception as error:  # the hub's errors have many types
        reason = str(error).strip().splitlines()[0]
        raise WorkerError(
            "bad-checkpoint",
            f'There is no folder "{source}", and as a hub id it could not be fetched: {reason}',
        ) from error


def build_without_weights(folder: Path, source: str) -> Model:
    family = find_family(folder)
    if any(file.is_file() for file in weight_files(folder)):
        check_weights(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            network = AutoModelForImageTextToText.from_config(config)
    except Exception as error:  # a senseless configuration fails at whatever it meets first
        reason = str(error).strip().splitlines()[0]
        config_file = folder / "config.json"
        raise WorkerError("bad-checkpoint", f'"{config_file}" describes no model: {reason}') from error
    network.generation_config = read_generation_config(folder) or network.generation_config
    model = family(network, load_tokenizer(folder), load_image_processor(folder), source)
    model.open(folder)
    check_generation_config(folder, model.decoder.generation_config)
    return model


def runs_of(positions: list[int]) -> list[list[int]]:
    """Maximal runs [start, end) of consecutive positions."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position:
            runs[-1][1] += 1
        else:
            runs.append([position, position + 1])
    return runs


def stored_weights(folder: Path) -> dict[str, Any]:
    files = [file for file in weight_files(folder) if file.suffix == ".safetensors" and file.is_file()]
    unused = {"unusedWeights": unused_weights(folder)}
    if not files:
        return {"dtypes": None, "weightBytes": None, **unused}
    dtypes: set[str] = set()
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            dtypes |= {tensors.get_slice(name).get_dtype() for name in tensors.keys()}
    return {"dtypes": sorted(dtypes), "weightBytes": sum(file.stat().st_size for file in files), **unused}
