"""One-shot questions about this Python environment and about checkpoints: `aai doctor` and `aai inspect`.

The driver asks through pythonia, which survives neither NaN nor arrays nor rich objects: each takes
plain values, and is answered by one JSON string, {"value": ...} or {"fault": "one sentence"}.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Distribution name -> what to import. The worker needs every one of them.
NEEDED = {
    "tokenizers": "tokenizers",
    "safetensors": "safetensors",
    "sentencepiece": "sentencepiece",
    "protobuf": "google.protobuf",
    "numpy": "numpy",
    "pillow": "PIL",
    "jinja2": "jinja2",
    "msgspec": "msgspec",
    "pyzmq": "zmq",
}


def answer(question: Callable[..., Any]) -> Callable[..., str]:
    """Makes a JSON string of what `question` returns, or of what it raises."""

    @functools.wraps(question)
    def ask(*arguments: Any) -> str:
        try:
            return json.dumps({"value": question(*arguments)}, allow_nan=False, default=str)
        except Exception as error:
            return json.dumps({"fault": f"{error}" or type(error).__name__})

    return ask


@answer
def probe() -> dict[str, Any]:
    """Interpreter, packages, devices, Hugging Face cache."""
    return {
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "torch": probe_package("torch", "torch"),
        "transformers": probe_package("transformers", "transformers"),
        "torchvision": probe_package("torchvision", "torchvision"),
        "packages": {name: probe_package(name, module) for name, module in NEEDED.items()},
        "devices": devices(),
        "cache": cache(),
    }


@answer
def echo(endpoint: str, messages: int) -> int:
    """Connects to the PAIR socket at `endpoint` and sends every message back: for a speed test."""
    import zmq

    with zmq.Context() as context, context.socket(zmq.PAIR) as socket:
        socket.linger = 1000
        socket.rcvtimeo = 5000  # ms; the near side is gone
        socket.connect(endpoint)
        for _ in range(messages):
            socket.send(socket.recv(copy=False), copy=False)
    return messages


@answer
def inspect(source: str) -> dict[str, Any]:
    """What the checkpoint in folder or with hub id `source` is, without its weights."""
    from .loading.inspection import inspect_checkpoint

    return inspect_checkpoint(source)


def probe_package(name: str, module: str) -> dict[str, Any]:
    """{version, error}: version None where it is not installed, error where it is but cannot be imported."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return {"version": None, "error": None}
    try:
        importlib.import_module(module)
    except Exception as error:  # a broken native library raises whatever it likes
        return {"version": found, "error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {"version": found, "error": None}


def devices() -> list[dict[str, Any]]:
    """Where the worker can run, best first: {device, name, bytes}."""
    try:
        import torch
    except Exception:
        return []
    found: list[dict[str, Any]] = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append({"device": f"cuda:{index}", "name": properties.name, "bytes": properties.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": "Apple GPU", "bytes": physical_memory()})
    cpu = f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    found.append({"device": "cpu", "name": cpu, "bytes": physical_memory()})
    return found


def physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def cache() -> dict[str, Any]:
    """Where downloaded checkpoints go, and how much room there is."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(os.environ.get("HF_HOME") or caches / "huggingface")
    folder = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}
    return {
        "folder": str(folder),
        "freeBytes": shutil.disk_usage(existing).free,
        "checkpoints": len(list(folder.glob("models--*"))),
        "offline": offline,
    }
