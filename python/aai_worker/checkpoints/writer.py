"""Writes a recipe shard by shard into a folder that gets its name only once it is whole.

Until then it is `<out>.partial`, and a conversion that was killed goes on there: what has been written is
kept as long as the published files and the recipe are the same, and thrown away otherwise.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import save_file

from .. import __version__
from ..errors import WorkerError
from .lock import locked
from .parts import Part, Recipe, check_whole

# Of one file that is written, and so about what is held in memory at once.
SHARD_BYTES = 1 << 30

_RECORD = "conversion.json"
_UNFINISHED = ".unfinished"
_BLOCK = 16 << 20

Report = Callable[[str, int, int, str], None]  # phase, bytes done, bytes in all, file


def write(model: str, recipe: Recipe, out: Path, report: Report) -> None:
    """@raises WorkerError before anything is written where the published files do not make a whole model."""
    refuse_occupied(out)
    check_whole(recipe)
    shards = _plan(recipe.parts)
    partial = out.with_name(out.name + ".partial")
    record = {"model": model, "plan": _digest(recipe, shards), "sources": [], "dropped": recipe.dropped}
    try:
        with locked(out):
            _continue_or_start(partial, record)
            _check_space(partial, shards, recipe)
            _hash_sources(recipe, partial, record, report)
            _write_shards(shards, recipe, partial, report)
            with _uninterrupted():  # no plan in the record and no name yet: nothing could go on from there
                _write_settings(shards, recipe, partial, record)
                if out.is_dir():
                    out.rmdir()  # empty, as was checked
                partial.rename(out)
    except (OSError, SafetensorError) as error:
        raise WorkerError("bad-checkpoint", _explain(error, partial)) from error


def refuse_occupied(out: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        finished = (out / _RECORD).is_file()
        raise WorkerError(
            "bad-input",
            f'"{out}" (--out) holds a finished conversion already; load it, or name another folder.'
            if finished
            else f'"{out}" (--out) is not empty; name a folder that is, or that is not there yet.',
        )


def _plan(parts: dict[str, Part]) -> list[list[str]]:
    """Names of the tensors in each file."""
    shards: list[list[str]] = []
    size = SHARD_BYTES
    for name, part in parts.items():
        if size + _bytes(part) > SHARD_BYTES and size > 0:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += _bytes(part)
    return shards


def _bytes(part: Part) -> int:
    return torch.Size(part.shape).numel() * part.dtype.itemsize


def _digest(recipe: Recipe, shards: list[list[str]]) -> str:
    """Of all that the files written so far depend on; hashing the published ones would take a minute."""
    published = [
        [str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns]
        for source in recipe.sources
        for file in source.files
    ]
    tensors = [
        [[name, list(recipe.parts[name].shape), str(recipe.parts[name].dtype)] for name in names]
        for names in shards
    ]
    plan = [__version__, recipe.config.to_json_string(), published, tensors]
    return hashlib.sha256(json.dumps(plan).encode()).hexdigest()


def _continue_or_start(partial: Path, record: dict[str, Any]) -> None:
    """Takes up `partial` where it is from the same plan; `record` gets the hashes that are known already."""
    if partial.exists():
        try:
            before = json.loads((partial / _RECORD).read_text())
        except (OSError, ValueError):
            before = {}
        if before.get("plan") == record["plan"]:
            record["sources"] = before["sources"]
            return
        if "plan" not in before and any(file.suffix != _UNFINISHED for file in partial.iterdir()):
            raise WorkerError(
                "bad-input",
                f'"{partial}" is in the way, and is not from an earlier conversion; move it elsewhere.',
            )
        _remove(partial)
    partial.mkdir(parents=True)
    _save_json(partial / _RECORD, record)


def _remove(partial: Path) -> None:
    """The record last: by it an interrupted removal is known for what it is."""
    for file in partial.iterdir():
        if file.name != _RECORD:
            file.unlink()
    shutil.rmtree(partial)


def _check_space(partial: Path, shards: list[list[str]], recipe: Recipe) -> None:
    needed = sum(
        _bytes(recipe.parts[name])
        for number, names in enumerate(shards, start=1)
        if not (partial / _shard_name(number, len(shards))).is_file()
        for name in names
    )
    free = shutil.disk_usage(partial).free
    if needed > free:
        raise WorkerError(
            "bad-input",
            f'The disk of "{partial.parent}" has {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are '
            "still to be written; make room, or name a folder elsewhere (--out).",
        )


def _hash_sources(recipe: Recipe, partial: Path, record: dict[str, Any], report: Report) -> None:
    files = [(source.option, file) for source in recipe.sources for file in source.files]
    total = sum(file.stat().st_size for _, file in files)
    known = {(source["option"], source["file"]): source for source in record["sources"]}
    record["sources"] = []
    done = 0
    for option, file in files:
        name = (option, file.name)
        if name not in known:
            digest = hashlib.sha256()
            with file.open("rb") as data:
                while block := data.read(_BLOCK):
                    digest.update(block)
                    done += len(block)
                    report("hashing", done, total, file.name)
            size = file.stat().st_size
            known[name] = {"option": option, "file": file.name, "bytes": size, "sha256": digest.hexdigest()}
        else:
            done += file.stat().st_size
            report("hashing", done, total, file.name)
        record["sources"].append(known[name])
        _save_json(partial / _RECORD, record)


def _write_shards(shards: list[list[str]], recipe: Recipe, partial: Path, report: Report) -> None:
    total = sum(_bytes(part) for part in recipe.parts.values())
    done = 0
    for number, names in enumerate(shards, start=1):
        file = partial / _shard_name(number, len(shards))
        if not file.is_file():
            _write_shard({name: recipe.parts[name] for name in names}, file)
        done += sum(_bytes(recipe.parts[name]) for name in names)
        report("writing", done, total, file.name)


def _write_shard(parts: dict[str, Part], file: Path) -> None:
    """All or nothing: a file with its final name is whole, and on the disk."""
    unfinished = file.with_suffix(_UNFINISHED)
    tensors = {name: part.make().contiguous() for name, part in parts.items()}
    save_file(tensors, unfinished, metadata={"format": "pt"})
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.chmod((file.parent / _RECORD).stat().st_mode)  # safetensors makes them private
    unfinished.replace(file)


def _write_settings(shards: list[list[str]], recipe: Recipe, partial: Path, record: dict[str, Any]) -> None:
    weight_map = {
        name: _shard_name(number, len(shards))
        for number, names in enumerate(shards, start=1)
        for name in names
    }
    total = sum(_bytes(part) for part in recipe.parts.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    _save_json(partial / "model.safetensors.index.json", index)
    recipe.config.architectures = [recipe.network.__name__]
    recipe.config.save_pretrained(partial)
    recipe.save_settings(partial)
    del record["plan"]  # holds where the published files lay, which says nothing of the model
    record["versions"] = {
        "aai_worker": __version__,
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
    }
    _save_json(partial / _RECORD, record)


def _shard_name(number: int, count: int) -> str:
    return f"model-{number:05}-of-{count:05}.safetensors"


def _save_json(file: Path, content: Any) -> None:
    unfinished = file.with_name(file.name + _UNFINISHED)
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    unfinished.replace(file)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C comes too late from here on: what is left takes no time."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _explain(error: Exception, partial: Path) -> str:
    full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
    if full:
        return (
            f'The disk of "{partial.parent}" is full; make room and give the same command again, which goes '
            "on where this one ended."
        )
    return f'"{partial}" cannot be written: {str(error).splitlines()[0]}.'
