"""A checkpoint's fingerprint changes with what changes answers, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from aai_worker.loading.fingerprint import fingerprint

DEMO = Path(__file__).parents[2] / "demo" / "checkpoint"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "checkpoint"))


def tensors() -> dict[str, torch.Tensor]:
    """32 MiB: large enough to be sampled."""
    torch.manual_seed(0)
    return {f"layers.{layer}.weight": torch.randn(1024, 256) for layer in range(32)}


def test_a_copy_has_the_same(checkpoint: Path) -> None:
    assert fingerprint(checkpoint) == fingerprint(DEMO)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "LICENSE",
        "picture.png",
        ".gitattributes",
        "trainer_state.json",
        "modeling.py",
        "optimizer.pt",
        "pytorch_model.bin",  # model.safetensors is read
    ],
)
def test_files_without_effect_do_not_count(checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_text("anything")
    assert fingerprint(checkpoint) == fingerprint(DEMO)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "processor_config.json",
        "chat_template.jinja",
    ],
)
def test_settings_count(checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_text((checkpoint / name).read_text() + " ")
    assert fingerprint(checkpoint) != fingerprint(DEMO)


@pytest.mark.parametrize("name", ["vocab.txt", "merges.txt", "tokenizer.model", "preprocessor_config.json"])
def test_settings_that_are_added_count(checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_text("{}")
    assert fingerprint(checkpoint) != fingerprint(DEMO)


@pytest.mark.parametrize("layer", range(32))
def test_a_change_of_any_one_tensor_counts(checkpoint: Path, layer: int) -> None:
    weights = tensors()
    save_file(weights, checkpoint / "model.safetensors")
    before = fingerprint(checkpoint)
    left, right = torch.randn(1024, 1), torch.randn(1, 256)
    weights[f"layers.{layer}.weight"] += 1e-3 * left @ right  # an edit of rank one, as editing methods make
    save_file(weights, checkpoint / "model.safetensors")
    assert fingerprint(checkpoint) != before


def test_new_rows_at_the_end_of_a_tensor_count(checkpoint: Path) -> None:
    weights = tensors()
    save_file(weights, checkpoint / "model.safetensors")
    before = fingerprint(checkpoint)
    weights["layers.7.weight"][-1] += 1  # a token that was added and trained
    save_file(weights, checkpoint / "model.safetensors")
    assert fingerprint(checkpoint) != before


def test_tensors_smaller_than_a_sample_and_without_elements(checkpoint: Path) -> None:
    weights = tensors() | {"bias": torch.zeros(3), "nothing": torch.zeros(0)}
    save_file(weights, checkpoint / "model.safetensors")
    before = fingerprint(checkpoint)
    weights["bias"][0] = 1
    save_file(weights, checkpoint / "model.safetensors")
    assert fingerprint(checkpoint) != before
