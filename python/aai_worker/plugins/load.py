"""A plug-in file, read and run: the user's own code, run because the user named it."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ..errors import WorkerError
from .declaration import Declaration, PluginError


@dataclass(frozen=True)
class PluginFile:
    path: Path
    sha256: str  # of its bytes
    lines: list[str]
    declarations: dict[str, Declaration]  # by name

    def place(self, error: BaseException) -> str:
        """The line of this file that an error came through last, as it stands there."""
        frames = traceback.extract_tb(error.__traceback__)
        numbers = [frame.lineno for frame in frames if frame.filename == str(self.path) and frame.lineno]
        return f", in line {numbers[-1]} ({self.lines[numbers[-1] - 1].strip()})" if numbers else ""


def load_plugin(path: Path) -> PluginFile:
    """Runs the file and collects what it declares. @raise WorkerError, one sentence, whatever is wrong."""
    try:
        source = path.read_bytes()
        lines = source.decode().splitlines()
    except OSError as error:
        raise _bad(f"The plug-in file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise _bad(f"{path} is no plug-in file: it is not UTF-8 text.") from error
    try:
        code = compile(source, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f", in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise _bad(f"{path} is no Python: {getattr(error, 'msg', error)}{line}.") from error
    file = PluginFile(path, hashlib.sha256(source).hexdigest(), lines, {})
    module = ModuleType(f"aai_plugin_{file.sha256[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(code, module.__dict__)
    except PluginError as error:
        raise _bad(f"{path}: {error}") from error
    except (Exception, SystemExit) as error:
        raise _bad(f"{path} failed as it was loaded{file.place(error)}: {describe_error(error)}.") from error
    for function in filter(inspect.isfunction, vars(module).values()):
        declaration = getattr(function, "__aai_plugin__", None)
        if isinstance(declaration, Declaration) and declaration.function.__module__ == module.__name__:
            file.declarations[declaration.name] = declaration
    if not file.declarations:
        raise _bad(
            f"{path} declares no method; put @attention or @contrast, from aai_worker.plugins, before a "
            "function."
        )
    return file


def describe_error(error: BaseException) -> str:
    """Type and first line."""
    first = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _bad(message: str) -> WorkerError:
    return WorkerError("bad-plugin", message)
