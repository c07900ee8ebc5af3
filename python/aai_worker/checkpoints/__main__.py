"""`python -m aai_worker.checkpoints <model> --out FOLDER ...`: run by `aai convert`.

Progress is printed as lines of JSON. The last line is {"type": "done", "folder": ...} or
{"type": "fault", "message": "one sentence"}.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import WorkerError


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        _convert(options)
    except WorkerError as error:
        _say(type="fault", message=error.message)
        return 1
    except KeyboardInterrupt:
        _say(type="fault", message="Interrupted; the same command goes on where this one ended.")
        return 130
    _say(type="done", folder=str(options.out.resolve()))
    return 0


def _convert(options: argparse.Namespace) -> None:
    from transformers.utils import logging  # takes seconds, which a wrong command line need not wait for

    from .llava import llava_recipe
    from .minigpt4 import minigpt4_recipe
    from .parts import Recipe
    from .shikra import shikra_recipe
    from .writer import refuse_occupied, write

    logging.set_verbosity_error()
    given: dict[str, Any] = {**vars(options)}
    model, out = given.pop("model"), given.pop("out")
    for pattern in given["drops"]:
        _check_pattern(pattern)
    refuse_occupied(out)
    recipes: dict[str, Callable[..., Recipe]] = {
        "llava-1.5": llava_recipe,
        "minigpt4": minigpt4_recipe,
        "shikra": shikra_recipe,
    }
    recipe = recipes[model](**given)
    write(model, recipe, out, _report)


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise WorkerError("bad-input", f"--drop {pattern} is no regular expression ({error}).") from error


def _report(phase: str, done: int, total: int, file: str) -> None:
    _say(type="progress", phase=phase, done=done, total=total, file=file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aai_worker.checkpoints")
    models = parser.add_subparsers(dest="model", required=True)
    inputs = {
        "llava-1.5": ["checkpoint", "vision"],
        "minigpt4": ["vision", "qformer", "projector", "llm"],
        "shikra": ["delta", "base", "vision"],
    }
    for model, names in inputs.items():
        options = models.add_parser(model)
        for name in [*names, "out"]:
            options.add_argument(f"--{name}", type=Path, required=True)
        if model == "llava-1.5":
            options.add_argument("--projector", type=Path)
        if model != "minigpt4":
            options.add_argument("--image-shape", choices=["pad", "crop"], default="pad")
        options.add_argument("--drop", dest="drops", action="append", default=[])
    return parser


def _say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
