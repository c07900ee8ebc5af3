"""Kin of LLaVA-1.5: other towers, other decoders, other feature layers, all against transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from transformers import (
    Dinov2Config,
    LlavaForConditionalGeneration,
    MistralConfig,
    Qwen2Config,
    SiglipVisionConfig,
)
from transformers.models.llava.processing_llava import LlavaProcessor

from aai_worker.errors import WorkerError
from aai_worker.protocol import ExtractVisionCommand

# What differs from LLaVA-1.5; leading tokens dropped; image tokens; layer read by "corrected"
KIN: list[tuple[dict[str, Any], int, int, int]] = [
    ({"strategy": "full"}, 0, 17, 1),
    ({"tower": SiglipVisionConfig, "strategy": "full"}, 0, 16, 1),
    ({"feature_layer": -1}, 1, 16, 2),
    ({"feature_layer": 1}, 1, 16, 0),
    ({"feature_layer": [-2, -1]}, 1, 16, 2),
    ({"decoder": MistralConfig}, 1, 16, 1),
    ({"decoder": Qwen2Config}, 1, 16, 1),
]


@pytest.mark.parametrize(("changes", "dropped", "tokens", "layer"), KIN)
def test_kin(changes: dict[str, Any], dropped: int, tokens: int, layer: int, tmp_path: Path) -> None:
    engine = tiny.load(tiny.save_checkpoint(tmp_path, **changes))
    model = LlavaForConditionalGeneration.from_pretrained(tmp_path, attn_implementation="eager").eval()
    processor = LlavaProcessor.from_pretrained(tmp_path)
    text = "<image>\nDescribe."
    result = tiny.run(engine, [tiny.sample(text)], [tiny.row(), tiny.row(tiny.aai())], tiny.pictures(1))

    inputs = processor(text=text, images=tiny.picture(0), return_tensors="pt")
    expected = model.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert result.ids() == expected.tolist()
    assert result.ids(1) != result.ids()
    assert result.prefilled[0].rows[0].key_ranges == [(0, tokens)]

    with torch.no_grad():
        maps = model.model.vision_tower(inputs["pixel_values"], output_attentions=True).attentions
    last, seen = (maps[index][0].mean(dim=0)[dropped:, dropped:] for index in (-1, layer))
    for mode, values in (
        ("released", last.sum(0)),
        ("corrected", (seen / seen.sum(-1, keepdim=True)).sum(0)),
    ):
        command = ExtractVisionCommand(model="m1", image=0, mode=mode)  # type: ignore[arg-type]
        _, received, grid, _ = engine.extract_vision(command, tiny.pictures(1))
        assert received == pytest.approx(values.numpy(), abs=1e-6)
        assert np.array_equal(grid.flatten(), received[-16:])


def test_a_sliding_window_bounds_the_context(tmp_path: Path) -> None:
    """A key that left the window could not be edited: nothing is generated beyond it."""

    tiny.save_checkpoint(tmp_path, decoder=MistralConfig)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["sliding_window"] = 40
    (tmp_path / "config.json").write_text(json.dumps(config))
    engine = tiny.load(tmp_path)
    assert engine._find("m1").model.describe().context_length == 40
    result = tiny.run(
        engine, [tiny.sample("<image>" + "x" * 20)], [tiny.row(tiny.aai())], tiny.pictures(1), tokens=9
    )
    assert len(result.ids()) == 4


def test_a_tower_that_is_not_supported(tmp_path: Path) -> None:
    tiny.save_checkpoint(tmp_path, tower=Dinov2Config)
    with pytest.raises(
        WorkerError, match='tower of type "dinov2" is not supported; supported: clip_vision_model'
    ):
        tiny.load(tmp_path)
