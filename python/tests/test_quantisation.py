"""Quantised loading: the tower keeps its weights, and what is missing is said. No GPU is needed for that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import families
import pytest
import tiny
import torch
from families import FAMILIES
from torch import nn
from transformers import AutoModelForImageTextToText
from transformers.quantizers.quantizers_utils import should_convert_module

from aai_worker.errors import WorkerError
from aai_worker.loading import quantisation
from aai_worker.loading.quantisation import parts_beside_decoder, quantise

CUDA = torch.device("cuda")


@pytest.mark.parametrize("name", list(FAMILIES))
def test_all_that_sees_is_kept(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every linear layer of the decoder is quantised, none of the tower, the projector or the LM head."""
    folder = families.save(FAMILIES[name], tmp_path)
    monkeypatch.setattr(quantisation, "find_spec", lambda package: package)
    kept = quantise(folder, "int8", CUDA).llm_int8_skip_modules
    network = AutoModelForImageTextToText.from_pretrained(folder)
    linear = {name for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    skipped = {name for name in linear if not should_convert_module(name, kept)}  # transformers' own rule
    decoder = {
        f"{prefix}.{name}"
        for prefix, module in network.named_modules()
        if module is network.get_decoder()
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear)
    }
    assert linear - skipped == decoder and decoder
    assert "lm_head" in skipped
    assert kept == parts_beside_decoder(network)


def test_four_bits(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation, "find_spec", lambda package: package)
    config = quantise(checkpoint, "nf4", CUDA)
    assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
    assert config.llm_int8_skip_modules == ["model.vision_tower", "model.multi_modal_projector", "lm_head"]


@pytest.mark.parametrize("scheme", ["int8", "nf4"])
def test_a_cpu_quantises_nothing(scheme: str, checkpoint: Path) -> None:
    with pytest.raises(WorkerError, match=f'dtype "{scheme}" needs a CUDA GPU, and the worker runs on "cpu"'):
        tiny.load(checkpoint, dtype=scheme)


def test_the_package_is_missing(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation, "find_spec", lambda package: None)
    with pytest.raises(WorkerError, match=r"needs the package bitsandbytes.* pip install bitsandbytes"):
        quantise(checkpoint, "int8", CUDA)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quant_method": "awq"}, r"stored quantised \(awq\), needs a CUDA GPU"),
        ({"load_in_4bit": True}, r"stored quantised \(bitsandbytes\), needs a CUDA GPU"),
        ({"quant_method": "vptq"}, r"stored quantised \(vptq\), is not supported; supported: bitsandbytes"),
    ],
)
def test_checkpoints_that_are_stored_quantised(
    settings: dict[str, Any], message: str, checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": settings}))
    with pytest.raises(WorkerError, match=message):
        tiny.load(folder)
