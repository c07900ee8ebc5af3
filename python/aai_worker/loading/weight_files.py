"""Which files of a folder hold its weights: those that transformers would read, in its order of preference.

It takes model.safetensors before an index of shards, whichever an earlier save left there. Of two that name
different files none is taken here.
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ..errors import WorkerError

_FORMATS = ("model.safetensors", "pytorch_model.bin")
_SUFFIXES = {".safetensors", ".bin", ".pth", ".pt", ".gguf"}


def weight_files(folder: Path) -> list[Path]:
    """In the order of their names, whether they are there or not; none where the folder names none."""
    for name in _FORMATS:
        alone, index = folder / name, folder / f"{name}.index.json"
        if index.is_file():
            shards = _read_index(index)
            if alone.is_file() and alone not in shards:
                raise WorkerError(
                    "bad-checkpoint",
                    f'"{folder}" holds {name} and beside it {index.name}, which names other files '
                    f"({shards[0].name} ...): one is left over from an earlier save. Remove the one that is "
                    "not meant.",
                )
            return shards
        if alone.is_file():
            return [alone]
    return []


def has_weights(folder: Path) -> bool:
    """All of them."""
    files = weight_files(folder)
    return bool(files) and all(file.is_file() for file in files)


def unused_weights(folder: Path) -> list[str]:
    """Names of files with weights that are not read: another format, another layout, what was left behind."""
    used = {file.name for file in weight_files(folder)}
    there = {file.name for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file()}
    return sorted(name for name in there - used if not name.startswith("."))


def check_weights(folder: Path) -> None:
    """Every file is there, opens, and is as long as its header says."""
    if (folder / "adapter_config.json").is_file():  # transformers might load it, or not
        where = "beside a model" if has_weights(folder) else "without the weights of its model"
        raise WorkerError(
            "bad-checkpoint",
            f'"{folder}" holds an adapter (LoRA) {where}: merge it into its base model first, or remove it.',
        )
    files = weight_files(folder)
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        named = f" Its index names {', '.join(missing)}: download or copy them again." if missing else ""
        raise WorkerError(
            "bad-checkpoint", f'"{folder}" is no whole checkpoint: weight files are missing.{named}'
        )
    for file in files:
        _check_file(file)


def _read_index(index: Path) -> list[Path]:
    try:
        names = set(json.loads(index.read_text())["weight_map"].values())
        files = sorted(index.parent / name for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkerError(
            "bad-checkpoint", f'"{index}" is damaged: it names no weight files. Download or copy it again.'
        ) from error
    if not files:
        raise WorkerError("bad-checkpoint", f'"{index}" names no weight files. Download or copy it again.')
    return files


def _check_file(file: Path) -> None:
    with file.open("rb") as data:
        if data.read(23) == b"version https://git-lfs":
            raise WorkerError(
                "bad-checkpoint",
                f'"{file}" is a Git LFS pointer, not the weights; run `git lfs pull` in its folder.',
            )
    if file.suffix != ".safetensors":
        return
    try:
        with safe_open(file, framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise WorkerError(
            "bad-checkpoint", f'"{file}" is damaged: {error}. Download or copy it again.'
        ) from error
