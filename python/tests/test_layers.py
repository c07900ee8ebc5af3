"""The layers of the worker: sockets on top, then decoding, then its parts, which know neither."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "aai_worker"
SOCKETS = {"__main__", "server", "control", "lease", "window", "wire"}
QUESTIONS = {"environment", "inspection", "bench"}
DECODING = {"engine", "decode", "generate", "openings"}
# Torch takes seconds to import: the worker greets its driver before, and the questions answer without.
BEFORE_TORCH = {
    "__init__",
    "__main__",
    "protocol",
    "errors",
    "control",
    "lease",
    "window",
    "wire",
    "environment",
    "families",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    """First part of the module's name below aai_worker: "attention" for attention/aai.py."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path, top_level_only: bool = False) -> set[str]:
    """Full names of the modules that `file` imports."""
    tree = ast.parse(file.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= full_names(file, node)
    return found


def full_names(file: Path, node: ast.ImportFrom) -> set[str]:
    if node.level == 0:
        return {node.module or ""}
    parts = ["aai_worker", *file.relative_to(PACKAGE).parts[:-1]]
    base = parts[: len(parts) - node.level + 1]
    if node.module:
        return {".".join([*base, node.module])}
    return {".".join([*base, alias.name]) for alias in node.names}


def own_modules(names: set[str]) -> set[str]:
    """First part below aai_worker of those that are ours."""
    existing = {name_of(file) for file in modules()}
    return {name.split(".")[1] for name in names if name.startswith("aai_worker.")} & existing


def test_the_rules_name_modules_that_exist() -> None:
    names = {name_of(file) for file in modules()}
    assert names >= {"server", "engine", "attention", "models", "search"}
    assert names >= SOCKETS | QUESTIONS | BEFORE_TORCH


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_arrows_point_down(file: Path) -> None:
    name, used = name_of(file), own_modules(imports(file))
    if name not in SOCKETS | QUESTIONS:
        assert not used & (SOCKETS | QUESTIONS), "decoding knows nothing of sockets"
        assert "zmq" not in imports(file)
    if name not in SOCKETS | QUESTIONS | DECODING:
        assert not used & DECODING, "the parts know nothing of the loop that uses them"
    if name == "protocol":
        assert not used, "messages are plain data"
    assert "torchvision" not in imports(file)


@pytest.mark.parametrize("name", sorted(BEFORE_TORCH))
def test_the_way_to_the_first_greeting_imports_no_torch(name: str) -> None:
    used = imports(PACKAGE / f"{name}.py", top_level_only=True)
    assert not {module.split(".")[0] for module in used} & {"torch", "transformers"}
    assert own_modules(used) <= BEFORE_TORCH
