"""The plug-ins of this process by name. Like a module, a plug-in file is run once and is there for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..errors import WorkerError
from .declaration import Axis, Declaration, Value
from .load import PluginFile

_FILES: list[PluginFile] = []


class BoundPlugin(NamedTuple):
    """A method that a plug-in declares, with the values of its parameters."""

    file: PluginFile
    declaration: Declaration
    values: dict[str, Value]


def add_plugin(file: PluginFile, built_in: Collection[str]) -> None:
    """Takes the place of what a file of this name held. @raise WorkerError where another has a name."""
    others = [one for one in _FILES if one.name != file.name and one.sha256 != file.sha256]
    for name in file.declarations:
        owner = next((one.name for one in others if name in one.declarations), None)
        if owner is not None or name in built_in:
            raise WorkerError(
                "bad-plugin",
                f'{file.name} declares "{name}", but {owner or "a built-in method"} has that name already; '
                "rename the function.",
            )
    _FILES[:] = [*others, file]


def find_plugin(axis: Axis, name: str, sha256: str, values: Mapping[str, Value]) -> BoundPlugin:
    """Of the file with this hash: a method's results belong to its code. @raise WorkerError"""
    for file in _FILES:
        declaration = file.declarations.get(name)
        if declaration is None or declaration.public.axis != axis:
            continue
        if file.sha256 != sha256:
            raise WorkerError(
                "unknown-plugin",
                f'"{name}" is asked for as {file.name} had it with hash {sha256[:12]}, but the file has been '
                f"loaded anew since, with hash {file.sha256[:12]}; take it from the newer loadPlugin.",
            )
        return BoundPlugin(file, declaration, declaration.fill(values))
    raise WorkerError(
        "unknown-plugin",
        f'This worker has not loaded a plug-in file that declares the {axis} "{name}"; every worker needs '
        "loadPlugin of its own.",
    )
