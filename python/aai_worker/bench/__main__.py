"""Measures a sweep, cells x images: as the authors do it, then with each part of the engine added."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from ..decoding.generate import generate
from ..decoding.prefill_cache import PrefillCache
from ..inputs.images import decode_image
from ..loading.load import load_model
from ..models import Model
from ..protocol import (
    AaiParameters,
    AttentionEdit,
    GenerateCommand,
    GenerateSummary,
    GreedyParameters,
    Prompt,
    Row,
    RowEvent,
    Sample,
)
from ..text.prompts import build_prompt
from . import released_style
from .random_llava import create_llava
from .released_style import Cell

QUESTION = Prompt(text="Please describe this image in detail.", template="chat")


class Result(NamedTuple):
    answers: list[list[int]]  # image by image, cell by cell
    seconds: float
    tokens: int


def main() -> None:
    options = _parse()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    model = _open_model(options, device)
    images = _images(options.images, options.image_count)
    cells = _cells(options.cells, model.layers)
    size = options.batch_size
    few = images[: options.baseline_images]
    setups: dict[str, Callable[[], Result]] = {
        "the authors' way": lambda: _released_style(model, few, cells, options.tokens),
        "engine, batch 1: vision, reference and prefill shared": lambda: _engine(
            model, few, cells, options.tokens, 1
        ),
        f"cells of one image together ({len(cells)} rows)": lambda: _one_by_one(
            model, images, cells, options.tokens, 1
        ),
        f"several images together, no refill ({size} rows)": lambda: _one_by_one(
            model, images, cells, options.tokens, max(1, size // len(cells))
        ),
        f"rows enter as others leave ({size} rows), prompts copied per row": lambda: _copied(
            lambda: _engine(model, images, cells, options.tokens, size)
        ),
        f"the whole: refill and shared prefix ({size} rows)": lambda: _engine(
            model, images, cells, options.tokens, size
        ),
        "the whole, as many rows as fit": lambda: _engine(model, images, cells, options.tokens, None),
    }
    print(
        f"{model.source} on {device}, {model.dtype}; {len(cells)} cells x {len(images)} images, "
        f"at most {options.tokens} tokens; {options.threads} threads",
        flush=True,
    )
    _warm(model, images, cells)
    times: dict[str, list[float]] = {name: [] for name in setups}
    expected: list[list[int]] | None = None
    for _ in range(options.repeats):
        for name, setup in setups.items():
            result = setup()
            expected = expected or result.answers
            count = min(len(expected), len(result.answers))
            same = sum(a == b for a, b in zip(expected, result.answers, strict=False))
            times[name].append(len(result.answers) / result.seconds)
            print(
                f"  {name}: {times[name][-1]:.2f} captions/s, {result.tokens / result.seconds:.0f} tokens/s, "
                f"{same} of {count} as in the authors' way",
                flush=True,
            )
    base = statistics.median(times["the authors' way"])
    print("\n| setup | captions/s | x |\n| --- | ---: | ---: |")
    for name, rates in times.items():
        rate = statistics.median(rates)
        print(f"| {name} | {rate:.2f} | {rate / base:.1f} |")
    if options.curve:
        curve = _measure_curve(model, images, options.tokens, size)
        Path(options.curve).write_text(json.dumps(curve))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m aai_worker.bench", description=__doc__)
    demo = Path(__file__).parents[3] / "demo"
    parser.add_argument("--checkpoint", default=str(demo / "checkpoint"))
    parser.add_argument(
        "--random-layers", type=int, help="random weights of LLaVA-1.5-7B's shape, so many layers"
    )
    parser.add_argument(
        "--images", default=str(demo / "data" / "val2014"), help="folder; noise where it is none"
    )
    parser.add_argument("--image-count", type=int, default=32)
    parser.add_argument("--baseline-images", type=int, default=4, help="images that the slow setups get")
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "float16", "bfloat16"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--curve", help="also the cost of every added cell, 1 to 64, written to this file")
    return parser.parse_args()


def _open_model(options: argparse.Namespace, device: torch.device) -> Model:
    if options.random_layers is None:
        return load_model(options.checkpoint, None, options.dtype, True, device, None, lambda: None)
    dtype = _dtype(options.dtype, device)
    model = create_llava(options.random_layers, Path(options.checkpoint), device, dtype)
    # Random weights would stop at random.
    model.stop_ids = frozenset()
    model.network.generation_config.eos_token_id = None
    return model


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.float16
    return getattr(torch, name)


def _images(folder: str, count: int) -> list[np.ndarray]:
    files = sorted(Path(folder).glob("*.png"))[:count] if Path(folder).is_dir() else []
    found = [np.frombuffer(file.read_bytes(), np.uint8) for file in files]
    return found + [_noise(seed) for seed in range(len(found), count)]


def _noise(seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (336, 336, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return np.frombuffer(file.getvalue(), np.uint8)


def _cells(count: int, layers: int) -> list[Cell]:
    """Alphas x four layer ranges."""
    ranges = [(0, layers), (layers // 3, layers), (0, max(1, layers // 2)), (layers // 2, layers)]
    return [Cell(0.05 * (1 + number // 4), ranges[number % 4]) for number in range(count)]


def _released_style(model: Model, images: Sequence[np.ndarray], cells: Sequence[Cell], tokens: int) -> Result:
    """Each cell goes through all images, as its own script would."""
    started = time.perf_counter()
    answers: dict[tuple[int, int], list[int]] = {}
    with torch.inference_mode():
        for place, cell in enumerate(cells):
            for number, image in enumerate(images):
                pixels = model.preprocess(decode_image(image.tobytes()))
                ids = model.tokenise(build_prompt(QUESTION, True, model.tokenizer), pixels)
                answers[number, place] = released_style.caption(model, pixels, ids, cell, tokens)
    seconds = time.perf_counter() - started
    ordered = [answers[number, place] for number in range(len(images)) for place in range(len(cells))]
    return Result(ordered, seconds, sum(map(len, ordered)))


def _engine(
    model: Model, images: Sequence[np.ndarray], cells: Sequence[Cell], tokens: int, batch_size: int | None
) -> Result:
    rows = [
        Row(
            sample=number,
            attention=[_edit(cell)],
            contrast=None,
            search=GreedyParameters(max_new_tokens=tokens),
        )
        for number in range(len(images))
        for cell in cells
    ]
    command = GenerateCommand(
        model="",
        samples=[Sample(image=number, prompt=QUESTION) for number in range(len(images))],
        rows=rows,
        batch_size=batch_size,
        stream=False,
        capture=None,
        probes=[],
        window=1,
    )
    started = time.perf_counter()
    answers: list[list[int]] = [[] for _ in rows]
    for event in generate(model, command, [], list(images), lambda: False, lambda: None):
        if isinstance(event, RowEvent):
            answers[event.row] = event.token_ids
        elif isinstance(event, GenerateSummary):
            written = event.timings.generated_tokens
    return Result(answers, time.perf_counter() - started, written)


def _edit(cell: Cell) -> AttentionEdit:
    parameters = AaiParameters(
        alpha=cell.alpha,
        beta=1.0,
        layers=cell.layers,
        warmup=5,
        mode="released",
        normalisation="mean",
        image_keys=None,
    )
    return AttentionEdit(parameters=parameters, reference=None)


def _one_by_one(
    model: Model, images: Sequence[np.ndarray], cells: Sequence[Cell], tokens: int, together: int
) -> Result:
    """So many images a command: the next ones wait for the last row of these."""
    parts = [
        _engine(model, images[first : first + together], cells, tokens, together * len(cells))
        for first in range(0, len(images), together)
    ]
    answers = [answer for part in parts for answer in part.answers]
    return Result(answers, sum(part.seconds for part in parts), sum(part.tokens for part in parts))


def _copied(run: Callable[[], Result]) -> Result:
    """With a copy of its prompt's keys and values for every row."""
    create_row = PrefillCache.create_row

    def copied(self: PrefillCache, *arguments: object) -> object:
        row = create_row(self, *arguments)  # type: ignore[arg-type]
        return dataclasses.replace(row, prefix=dataclasses.replace(row.prefix))

    PrefillCache.create_row = copied  # type: ignore[method-assign,assignment]
    try:
        return run()
    finally:
        PrefillCache.create_row = create_row  # type: ignore[method-assign]


def _warm(model: Model, images: Sequence[np.ndarray], cells: Sequence[Cell]) -> None:
    _released_style(model, images[:1], cells[:1], 2)
    _engine(model, images[:2], cells, 2, 128)


def _measure_curve(
    model: Model, images: Sequence[np.ndarray], tokens: int, batch_size: int
) -> list[tuple[int, float]]:
    """(cells, seconds an image)"""
    few = images[:4]
    curve = []
    print("\n| cells | seconds an image | x 1 cell |\n| ---: | ---: | ---: |")
    for count in (1, 2, 4, 8, 16, 32, 64):
        times = [
            _engine(model, few, _cells(count, model.layers), tokens, batch_size).seconds for _ in range(3)
        ]
        curve.append((count, statistics.median(times) / len(few)))
        print(f"| {count} | {curve[-1][1]:.3f} | {curve[-1][1] / curve[0][1]:.1f} |", flush=True)
    return curve


main()
