"""The decode loop without driver or sockets: prints checkpoint, image, and milliseconds a token as JSON.

`python bench/direct.py REPEATS LAYERS`: the median of so many answers, of a decoder with so many layers.

The model is the demo's architecture widened, with random weights: with 16 layers, about 20 ms a token on two
CPU cores.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers import AutoProcessor, GenerationConfig, LlavaConfig, LlavaForConditionalGeneration

from aai_worker.engine import Engine
from aai_worker.protocol import (
    GenerateCommand,
    GenerateSummary,
    GreedyParameters,
    LoadCommand,
    Prompt,
    Row,
    Sample,
)

DEMO = Path(__file__).parents[1] / "demo"
TOKENS = 64
QUESTION = "Please describe this image in detail."


def main() -> None:
    folder = str(Path(tempfile.gettempdir()) / "aai-bench")
    repeats, layers = map(int, sys.argv[1:])
    _save_checkpoint(folder, layers)
    image = next((DEMO / "data" / "val2014").glob("*.png"))

    engine = Engine(device="cpu")
    model = engine.load(
        LoadCommand(source=folder, revision=None, dtype="auto", device_map=None, offline=True)
    ).model
    command = GenerateCommand(
        model=model,
        samples=[Sample(image=0, prompt=Prompt(text=QUESTION, template="chat"))],
        rows=[Row(sample=0, attention=[], contrast=None, search=GreedyParameters(max_new_tokens=TOKENS))],
        batch_size=None,
        capture=None,
        stream=True,
        probes=[],
        window=1 << 25,
    )
    arrays = [np.frombuffer(image.read_bytes(), np.uint8)]
    times = [_milliseconds_per_token(engine, command, arrays) for _ in range(repeats)]
    per_token = statistics.median(times)
    print(json.dumps({"checkpoint": folder, "image": str(image), "prompt": QUESTION, "perToken": per_token}))


def _milliseconds_per_token(engine: Engine, command: GenerateCommand, arrays: list[np.ndarray]) -> float:
    started = time.perf_counter()
    *_, summary = engine.generate(command, arrays)
    assert isinstance(summary, GenerateSummary)
    return 1000 * (time.perf_counter() - started) / summary.timings.generated_tokens


def _save_checkpoint(folder: str, layers: int) -> None:
    config = LlavaConfig.from_pretrained(DEMO / "checkpoint")
    text = config.text_config
    text.hidden_size, text.intermediate_size, text.num_hidden_layers = 1024, 2816, layers
    text.num_attention_heads = text.num_key_value_heads = 16
    text.head_dim = 64
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    model.generation_config = GenerationConfig(eos_token_id=[])  # every answer has all its tokens
    model.save_pretrained(folder)
    AutoProcessor.from_pretrained(DEMO / "checkpoint").save_pretrained(folder)


main()
