"""What tells one checkpoint from another, cheaply: hashing 14 GB would take a minute at every start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .weight_files import weight_files

_SETTINGS = {".json", ".jinja", ".model", ".tiktoken"}  # of the model, its tokenizer and processor
_VOCABULARIES = {"vocab.txt", "merges.txt"}
_OF_TRAINING = {"trainer_state.json"}

_WHOLE = 8 << 20  # files of weights up to this size are hashed whole
_BLOCK = 64 << 10
_BLOCKS = 32
_SAMPLE = 4 << 10


def fingerprint(folder: Path) -> str:
    """16 hexadecimal digits of a folder's files that change answers: weights that are read, and settings.

    Large safetensors are hashed by their header and by the middle and the end of every tensor, so that a
    change of one whole tensor is seen; other large files by 32 blocks spread evenly. A README, a licence,
    pictures, what training left and weights of a format that is not read count for nothing.
    """
    weights = {file.name for file in weight_files(folder)}
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        if file.name not in weights and not _is_setting(file):
            continue
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as data:
            if file.name not in weights or size <= _WHOLE:
                digest.update(data.read())
                continue
            for offset, length in _samples(data, size, file.suffix):
                data.seek(offset)
                digest.update(data.read(length))
    return digest.hexdigest()[:16]


def _is_setting(file: Path) -> bool:
    if file.name.startswith(".") or file.name in _OF_TRAINING:
        return False
    return file.suffix in _SETTINGS or file.name in _VOCABULARIES


def _samples(data: BinaryIO, size: int, suffix: str) -> Iterator[tuple[int, int]]:
    """Offsets and lengths in bytes."""
    if suffix != ".safetensors":
        for block in range(_BLOCKS):
            yield block * (size - _BLOCK) // (_BLOCKS - 1), _BLOCK
        return
    length = int.from_bytes(data.read(8), "little")
    header = json.loads(data.read(length))
    data_begins = 8 + length
    yield 0, data_begins
    for name in sorted(header.keys() - {"__metadata__"}):
        begin, end = header[name]["data_offsets"]
        for position in ((begin + end - _SAMPLE) // 2, end - _SAMPLE):
            yield data_begins + max(begin, position), min(_SAMPLE, end - begin)
