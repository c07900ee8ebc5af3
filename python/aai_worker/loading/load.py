"""A folder or a hub id -> a model. Nothing of a checkpoint is executed; it is used whole or not at all."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tqdm import tqdm
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
from transformers.utils import logging

from ..attention import ATTENTION
from ..errors import WorkerError, first_line
from ..memory import memory_faults
from ..models import FAMILIES, Model
from ..models.generation_config import check_generation_config, read_generation_config
from ..models.processors import check_processors
from .families import explain_unknown
from .fitness import check_stop_tokens, check_vocabulary, check_weights_fit, explain_tokenizer
from .quantisation import SCHEMES, check_stored_quantisation, quantise
from .sources import find_checkpoint
from .weight_files import check_weights


def load_model(
    source: str,
    revision: str | None,
    dtype: str,
    offline: bool,
    device: torch.device,
    device_map: Any,
    progress: Callable[[], None],
) -> Model:
    """`dtype` "auto" is float32 on the CPU and the checkpoint's own elsewhere; or one of SCHEMES.

    `device_map` is transformers': "auto" spreads the model over all GPUs; None leaves it on `device`.
    """
    folder = find_checkpoint(source, revision, offline)
    family = find_family(folder)
    check_weights(folder)
    check_stored_quantisation(folder, device)
    read_generation_config(folder)
    quantisation = quantise(folder, dtype, device) if dtype in SCHEMES else None
    progress()
    tokenizer = load_tokenizer(folder)
    image_processor = load_image_processor(folder)
    progress()
    attention = {"text_config": ATTENTION, "vision_config": family.vision_attention, **family.other_attention}
    if quantisation is not None and device_map is None:
        device_map = {"": device}  # quantised weights are made where they stay
    network = _load_network(
        folder, attention, _choose_dtype(dtype, device), quantisation, device, device_map, progress
    )
    check_vocabulary(folder, network, tokenizer)
    model = family(network, tokenizer, image_processor, source)
    check_stop_tokens(folder, model.stop_ids, tokenizer)
    check_generation_config(folder, model.decoder.generation_config)
    check_processors(folder, model)
    model.open(folder)
    return model


def find_family(folder: Path) -> type[Model]:
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise WorkerError(
                "bad-checkpoint",
                f'"{folder}" holds an adapter (LoRA) only; merge it into its base model first.',
            )
        raise WorkerError("bad-checkpoint", f'"{folder}" is no checkpoint: it has no config.json.')
    try:
        config = json.loads((folder / "config.json").read_text())
        # A converted checkpoint says whose it is: the native classes are shared.
        model_type = config.get("align_attention", {}).get("family", config["model_type"])
    except (ValueError, KeyError, TypeError) as error:
        raise WorkerError(
            "bad-checkpoint", f'"{folder / "config.json"}" names no model_type ({error}).'
        ) from error
    if model_type == "llava" and (config.get("vision_config") or {}).get("model_type") == "pixtral":
        model_type = "pixtral"  # the same class for another tower, another prompt and another order of tokens
    supported = ", ".join(FAMILIES)
    if model_type in FAMILIES and "vision_config" not in config:
        raise WorkerError(
            "bad-checkpoint",
            f'"{folder}" is in the original {model_type} format; `aai convert` makes a folder that loads.',
        )
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    if not any("vision" in key or "visual" in key for key in config):
        raise WorkerError(
            "unknown-model",
            f'"{folder}" is a text-only model ({model_type}); a vision-language one is needed ({supported}).',
        )
    raise WorkerError("unknown-model", explain_unknown(model_type))


def load_tokenizer(folder: Path) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise explain_tokenizer(folder, error) from error
    legacy = folder / "chat_template.json"
    if tokenizer.chat_template is None and legacy.is_file():
        tokenizer.chat_template = json.loads(legacy.read_text())["chat_template"]
    return tokenizer


def load_image_processor(folder: Path) -> Any:
    # Pillow's resampling on every machine: torchvision's differs in the last bits, and so would the captions.
    try:
        return AutoImageProcessor.from_pretrained(
            folder, backend="pil", trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, ImportError) as error:
        raise WorkerError(
            "bad-checkpoint", f'"{folder}" has no usable image processor: {first_line(error)}'
        ) from error


def _load_network(
    folder: Path,
    attention: dict[str, str],
    dtype: str | torch.dtype,
    quantisation: Any,
    device: torch.device,
    device_map: Any,
    progress: Callable[[], None],
) -> Any:
    try:
        with memory_faults(
            "the model does not fit; try dtype float16 or bfloat16, or a device with more memory"
        ):
            with _loading_bars_to(progress):
                network, info = AutoModelForImageTextToText.from_pretrained(
                    folder,
                    dtype=dtype,
                    quantization_config=quantisation,
                    device_map=device_map,
                    attn_implementation=attention,
                    trust_remote_code=False,
                    local_files_only=True,
                    weights_only=True,
                    ignore_mismatched_sizes=True,  # so that their names come back, for `check_weights_fit`
                    output_loading_info=True,
                )
            check_weights_fit(folder, info)
            if device_map is not None:
                check_placement(folder, network.hf_device_map)
            elif not getattr(network, "is_quantized", False):
                network.to(device)
            return network.eval()
    except (SafetensorError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise WorkerError("bad-checkpoint", f'"{folder}" cannot be loaded: {first_line(error)}') from error


def check_placement(folder: Path, places: Mapping[str, Any]) -> None:
    """`places`: devices of parts of the network, as accelerate chose them; some may fit no GPU."""
    outside = sorted({str(place) for place in places.values()} & {"cpu", "disk"})
    if outside:
        raise WorkerError(
            "out-of-memory",
            f'"{folder}" does not fit into the free memory of the GPUs: {" and ".join(outside)} would hold '
            "some of it, at a fraction of the speed. Take dtype int8 or nf4, or free the GPUs.",
        )


@contextmanager
def _loading_bars_to(progress: Callable[[], None]) -> Iterator[None]:
    """transformers' progress bars tell `progress` instead of writing to stderr."""

    class Bar(tqdm):
        def __iter__(self) -> Iterator[Any]:
            for item in super().__iter__():
                yield item
                progress()

    previous = logging.set_tqdm_hook(lambda factory, args, kwargs: Bar(*args, **{**kwargs, "disable": True}))
    try:
        yield
    finally:
        logging.set_tqdm_hook(previous)


def _choose_dtype(dtype: str, device: torch.device) -> str | torch.dtype:
    if dtype in SCHEMES:
        return "auto"  # of what is not quantised
    if dtype != "auto":
        return getattr(torch, dtype)
    return torch.float32 if device.type == "cpu" else "auto"
