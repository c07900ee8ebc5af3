"""A plug-in file, read and run: the user's own code, run because the user named it."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from dataclasses import dataclass
from types import ModuleType

from ..errors import WorkerError
from .declaration import Declaration, PluginError


@dataclass(frozen=True)
class PluginFile:
    name: str  # as its user knows it: a path, on the driver's machine
    sha256: str  # of its bytes
    lines: list[str]
    declarations: dict[str, Declaration]  # by name

    def place(self, error: BaseException) -> str:
        """The line of this file that an error came through last, as it stands there."""
        frames = traceback.extract_tb(error.__traceback__)
        numbers = [frame.lineno for frame in frames if frame.filename == self.name and frame.lineno]
        return f", in line {numbers[-1]} ({self.lines[numbers[-1] - 1].strip()})" if numbers else ""


def load_plugin(name: str, source: bytes) -> PluginFile:
    """Runs the file and collects what it declares. @raise WorkerError, one sentence, whatever is wrong."""
    try:
        lines = source.decode().splitlines()
    except UnicodeDecodeError as error:
        raise _bad(f"{name} is no plug-in file: it is not UTF-8 text.") from error
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f", in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise _bad(f"{name} is no Python: {getattr(error, 'msg', error)}{line}.") from error
    file = PluginFile(name, hashlib.sha256(source).hexdigest(), lines, {})
    module = ModuleType(f"aai_plugin_{file.sha256[:12]}")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(code, module.__dict__)
    except PluginError as error:
        raise _bad(f"{name}: {error}") from error
    except (Exception, SystemExit) as error:
        raise _bad(f"{name} failed as it was loaded{file.place(error)}: {describe_error(error)}.") from error
    for function in filter(inspect.isfunction, vars(module).values()):
        declaration = getattr(function, "__aai_plugin__", None)
        if isinstance(declaration, Declaration) and declaration.function.__module__ == module.__name__:
            file.declarations[declaration.name] = declaration
    if not file.declarations:
        raise _bad(
            f"{name} declares no method; put @attention or @contrast, from aai_worker.plugins, before a "
            "function."
        )
    return file


def describe_error(error: BaseException) -> str:
    """Type and first line."""
    first = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _bad(message: str) -> WorkerError:
    return WorkerError("bad-plugin", message)
