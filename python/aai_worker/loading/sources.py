"""Where a checkpoint lies: a folder, or a hub id whose files are in the local cache or get there."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from ..errors import WorkerError
from .weight_files import has_weights

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_SETTINGS = ["*.json", "*.jinja", "*.model", "*.txt"]


def find_checkpoint(source: str, revision: str | None, offline: bool) -> Path:
    """The folder with the checkpoint's files. What is there already is not asked for again."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise WorkerError(
            "bad-checkpoint", f'"{source}" is a file; give the folder of a checkpoint, or a hub id.'
        )
    if not _HUB_ID.fullmatch(source):
        raise WorkerError(
            "bad-checkpoint", f'There is no folder "{source}", and it is no hub id either (owner/name).'
        )
    cached = _cached(source, revision)
    if cached is not None:
        return cached
    if offline:
        raise WorkerError(
            "bad-checkpoint",
            f'There is no folder "{source}", and as a hub id it is not in the local cache. '
            "Offline, nothing is downloaded: load it once online, or give the folder that holds its files.",
        )
    return _download(source, revision)


def _cached(source: str, revision: str | None) -> Path | None:
    try:
        folder = Path(snapshot_download(source, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "config.json").is_file() and has_weights(folder) else None


def _download(source: str, revision: str | None) -> Path:
    try:
        folder = Path(
            snapshot_download(source, revision=revision, allow_patterns=[*_SETTINGS, "*.safetensors"])
        )
        if not has_weights(folder):
            snapshot_download(source, revision=revision, allow_patterns=["*.bin"])
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WorkerError(
            "bad-checkpoint", f'Could not download "{source}" from the hub: {reason}'
        ) from error
    return folder
