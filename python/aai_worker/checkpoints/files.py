"""Published weight files, memory-mapped where their format allows. Nothing in them is ever executed."""

from __future__ import annotations

import argparse
import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..errors import WorkerError

_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.(bin|safetensors)")


class Entry(NamedTuple):
    shape: tuple[int, ...]
    dtype: torch.dtype


class Weights:
    """The tensors of one published file, or of a folder of shards. One file is held open at a time."""

    def __init__(self, path: Path, option: str) -> None:
        """`option`: what the user calls it on the command line, for messages."""
        self.path = path
        self.option = option
        self.files = _find_files(path, option)
        self.entries: dict[str, Entry] = {}
        self._file_of: dict[str, Path] = {}
        self._opened: tuple[Path, Mapping[str, Tensor]] | None = None
        for file in self.files:
            for key, tensor in self._open(file).items():
                if key in self._file_of:
                    raise bad_file(file, f'it holds "{key}", and so does "{self._file_of[key].name}"')
                self._file_of[key] = file
                self.entries[key] = Entry(tuple(tensor.shape), tensor.dtype)

    def read(self, key: str) -> Tensor:
        """A view of the file: nothing is copied into memory before it is used."""
        return self._open(self._file_of[key])[key]

    def _open(self, file: Path) -> Mapping[str, Tensor]:
        if self._opened is None or self._opened[0] != file:
            self._opened = None  # let go of the one file before the next is opened
            self._opened = (file, _load(file))
        return self._opened[1]


def read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        raise WorkerError(
            "bad-checkpoint", f'"{file.parent}" lacks "{file.name}", one of the published files.'
        ) from None
    except (OSError, ValueError) as error:
        raise bad_file(file, f"it is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise bad_file(file, "it is no JSON object")
    return content


def bad_file(file: Path, reason: str) -> WorkerError:
    return WorkerError("bad-checkpoint", f'"{file}" cannot be used: {reason}.')


def _find_files(path: Path, option: str) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise WorkerError("bad-checkpoint", f'There is no file or folder "{path}" ({option}).')
    for kind in ("safetensors", "bin"):
        stem = "model" if kind == "safetensors" else "pytorch_model"
        index = path / f"{stem}.{kind}.index.json"
        if index.is_file():
            weight_map = read_json(index).get("weight_map", {})
            return _complete(path, sorted(set(weight_map.values())), index.name)
        if (path / f"{stem}.{kind}").is_file():
            return [path / f"{stem}.{kind}"]
        shards = [match for file in path.iterdir() if (match := _SHARD.fullmatch(file.name))]
        shards = [match for match in shards if match[1] == stem and match[4] == kind]
        if shards:
            count = int(shards[0][3])
            names = [f"{stem}-{number:05}-of-{count:05}.{kind}" for number in range(1, count + 1)]
            return _complete(path, names, "the names of the others")
    raise WorkerError(
        "bad-checkpoint",
        f'"{path}" ({option}) holds no weights in Hugging Face format: neither pytorch_model*.bin nor '
        "model*.safetensors.",
    )


def _complete(folder: Path, names: list[str], source: str) -> list[Path]:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise WorkerError(
            "bad-checkpoint",
            f'"{folder}" lacks {", ".join(missing)}, which {source} asks for; download what is missing.',
        )
    return [folder / name for name in names]


def _load(file: Path) -> Mapping[str, Tensor]:
    with file.open("rb") as data:
        head = data.read(512)
    _refuse_impostors(file, head)
    if file.suffix == ".safetensors":
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise bad_file(file, f"it is truncated or damaged ({error}); download it again") from error
    try:
        # MiniGPT-4's checkpoints keep their training options, an argparse.Namespace, which is plain data.
        with torch.serialization.safe_globals([argparse.Namespace]):
            # Files from before torch 1.6 are no zip archives, and cannot be mapped.
            loaded = torch.load(file, map_location="cpu", weights_only=True, mmap=head.startswith(b"PK"))
    except pickle.UnpicklingError as error:
        if not head.startswith((b"PK", b"\x80")):
            raise bad_file(file, "it is no PyTorch file") from error
        raise bad_file(
            file, "it holds more than tensors and plain data, and nothing else is ever loaded"
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        raise bad_file(file, "it is truncated or damaged; download it again") from error
    return _unwrap(file, loaded)


def _unwrap(file: Path, loaded: Any) -> Mapping[str, Tensor]:
    """Training checkpoints keep the weights beside the optimizer's state, under "model"."""
    if isinstance(loaded, dict) and isinstance(loaded.get("model"), dict):
        loaded = loaded["model"]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise bad_file(file, "it is no table of named tensors")
    return loaded


def _refuse_impostors(file: Path, head: bytes) -> None:
    start = head.lstrip().lower()
    if not head:
        raise bad_file(file, "it is empty; download it again")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise bad_file(
            file, "it is a web page saved under that name; open the link in a browser and confirm there"
        )
    if start.startswith(b"version https://git-lfs"):
        raise bad_file(file, "it is a Git LFS pointer, not the weights; run `git lfs pull` in its folder")
