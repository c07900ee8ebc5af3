"""What every method costs beside greedy search: tokens a second while decoding, and peak memory.

    PYTHONPATH=python python bench/cost.py                  the demo's checkpoint
    PYTHONPATH=python python bench/cost.py --layers 1       LLaVA-1.5-7B's width, one decoder layer
    PYTHONPATH=python python bench/cost.py --layers 32 --device cuda --dtype float16

All methods take turns, `--repeats` times, and every turn is divided by greedy search's in the same round: the
table shows medians. All answers have `--tokens` tokens, as nothing ends them.

Memory is what tensors take at most beyond the weights, in one more turn that is not timed: on a GPU what
torch's allocator says, on a CPU the running sum of all allocations and frees that torch's profiler sees.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aai_worker.bench.random_llava import create_llava
from aai_worker.decoding.generate import generate
from aai_worker.loading.load import load_model
from aai_worker.models import Model
from aai_worker.protocol import (
    AaiParameters,
    ApcOnlyParameters,
    AttentionEdit,
    BeamParameters,
    CapturePolicy,
    DecoParameters,
    DolaParameters,
    GenerateCommand,
    GenerateSummary,
    GreedyParameters,
    HgaiParameters,
    IcdParameters,
    M3idParameters,
    OperaParameters,
    PaiCfgParameters,
    PaiParameters,
    Prompt,
    Row,
    Sample,
    SampleParameters,
    SidParameters,
    VafParameters,
    VcdParameters,
)

DEMO = Path(__file__).parents[1] / "demo" / "checkpoint"
QUESTION = "Please describe this image in detail."
BEAMS = 5


@dataclass
class Method:
    name: str
    edit: Any = None
    contrast: Any = None
    search: Any = None  # None = greedy
    capture: CapturePolicy | None = None
    turns: list[Turn] = field(default_factory=list)
    memory: int = 0  # bytes


@dataclass
class Turn:
    prefill: float  # seconds, with vision
    decode: float
    steps: int


def main() -> None:
    options = _parse()
    device = torch.device(options.device)
    torch.set_num_threads(options.threads)
    model = _load(options, device)
    model.stop_ids = frozenset()
    methods = [
        one
        for one in _create_methods(model.layers, options.tokens)
        if not options.methods or one.name in options.methods
    ]
    images = sorted((DEMO.parent / "data" / "val2014").glob("*.png"))[: options.rows]
    arrays = [np.frombuffer(image.read_bytes(), np.uint8) for image in images]

    for method in methods:  # warms up, too
        method.memory = _measure_memory(model, _command(method, options), arrays)
    for _ in range(options.repeats):
        for method in methods:
            method.turns.append(_take_turn(model, _command(method, options), arrays))
    _report(model, methods, options)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cost of every method relative to greedy search.")
    parser.add_argument("--layers", type=int, help="of a random LLaVA-1.5-7B [the demo's checkpoint]")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    parser.add_argument("--tokens", type=int, default=48, help="of every answer")
    parser.add_argument("--rows", type=int, default=1, help="images described together")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="on a CPU")
    parser.add_argument("--methods", nargs="*", help="names as in the table; greedy must be one [all]")
    return parser.parse_args()


def _load(options: argparse.Namespace, device: torch.device) -> Model:
    if options.layers is None:
        return load_model(str(DEMO), None, options.dtype, True, device, None, progress=lambda: None)
    return create_llava(options.layers, DEMO, device, getattr(torch, options.dtype))


def _create_methods(layers: int, tokens: int) -> list[Method]:
    """Published settings; ranges of layers are the same share of this decoder's."""
    middle = (layers * 5 // 32, max(1, layers * 18 // 32))
    every: tuple[int, int] = (min(2, layers - 1), layers)
    exits = list(range(0, max(1, layers // 2), 2))
    published: dict[str, Any] = {"max_new_tokens": tokens, "num_beams": BEAMS, "length_penalty": 1.0}
    contrasts = {
        "vcd": VcdParameters(alpha=1.0, beta=0.1, noise_step=500, seed=42),
        "apcOnly": ApcOnlyParameters(beta=0.1),
        "m3id": M3idParameters(decay=0.02, first_step=1, beta=0.1),
        "paiCfg": PaiCfgParameters(gamma=1.1, beta=0.1),
        "icd": IcdParameters(alpha=0.5, beta=0.1, disturbance="You are a confused object detector."),
        "dola": DolaParameters(layers=exits, relative_top=0.1),
        "deco": DecoParameters(
            alpha=0.6, layers=(layers * 20 // 32, max(1, layers * 29 // 32)), top_p=0.9, max_candidates=20
        ),
    }
    if layers > 1:  # its first layer with hidden tokens is not the decoder's first
        contrasts["sid"] = SidParameters(alpha=1.0, beta=0.1, keep=50, layer=min(2, layers - 1))

    def opera(mode: Any) -> OperaParameters:
        return OperaParameters(
            **published,
            scale_factor=50.0,
            threshold=15,
            num_attn_candidates=5,
            penalty_weights=1.0,
            mode=mode,
        )

    aai = AaiParameters(
        alpha=0.3, beta=1.0, layers=every, warmup=5, mode="released", normalisation="mean", image_keys=None
    )
    sample = SampleParameters(
        max_new_tokens=tokens, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0, seed=0
    )
    maps = CapturePolicy(
        layers=None, heads="mean", chosen_heads=[], keys="image", words=None, dtype="float16"
    )
    vaf = VafParameters(enhance=1.15, suppress=0.95, layers=middle, queries="behindImage", image_keys=None)
    return [
        Method("greedy"),
        Method("captured", capture=maps),
        Method("aai", edit=aai),
        Method("pai", edit=PaiParameters(alpha=0.5, layers=every, warmup=-1, image_keys=None)),
        Method("hgai", edit=HgaiParameters(alpha=0.5, layers=middle, image_keys=None)),
        Method("vaf", edit=vaf),
        *[Method(name, contrast=parameters) for name, parameters in contrasts.items()],
        Method("sample", search=sample),
        Method("beam", search=BeamParameters(**published, early_stopping=False, num_return=1)),
        Method("opera", search=opera("faithful")),
        Method("opera clean", search=opera("clean")),
    ]


def _command(method: Method, options: argparse.Namespace) -> GenerateCommand:
    edits = [] if method.edit is None else [AttentionEdit(parameters=method.edit, reference=None)]
    search = method.search or GreedyParameters(max_new_tokens=options.tokens)
    images, question = range(options.rows), Prompt(text=QUESTION, template="chat")
    return GenerateCommand(
        model="m1",
        samples=[Sample(image=index, prompt=question) for index in images],
        rows=[
            Row(sample=index, attention=edits, contrast=method.contrast, search=search) for index in images
        ],
        batch_size=None,
        capture=method.capture,
        stream=True,
        probes=[],
        window=1 << 25,
    )


def _take_turn(model: Model, command: GenerateCommand, arrays: list[np.ndarray]) -> Turn:
    *_, summary = generate(model, command, [], arrays, lambda: False, lambda: None)
    assert isinstance(summary, GenerateSummary)
    times = summary.timings
    expected = sum(row.search.max_new_tokens for row in command.rows)
    assert times.generated_tokens == expected, "every answer is to have all its tokens"
    return Turn(times.vision_seconds + times.prefill_seconds, times.decode_seconds, times.steps)


def _measure_memory(model: Model, command: GenerateCommand, arrays: list[np.ndarray]) -> int:
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
        before = torch.cuda.memory_allocated(model.device)
        _take_turn(model, command, arrays)
        return torch.cuda.max_memory_allocated(model.device) - before
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, profile_memory=True) as profile:
        _take_turn(model, command, arrays)
    changes = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    return int(np.cumsum([event.nbytes() for event in changes]).max())


def _report(model: Model, methods: list[Method], options: argparse.Namespace) -> None:
    greedy = methods[0]
    tokens = options.tokens * options.rows
    print(
        f"{options.rows} x {options.tokens} tokens, {options.repeats} rounds; {model.layers} layers, "
        f"{model.describe().image_tokens} image tokens, {model.dtype}; {_name(model.device)}, "
        f"torch {torch.__version__}\n"
    )
    print("| method | tokens/s | time x greedy | prefill x greedy | steps | peak MB | memory x greedy |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for method in methods:
        cells = [
            f"`{method.name}`",
            f"{tokens / statistics.median(turn.decode for turn in method.turns):.1f}",
            f"{_ratio(method, greedy, 'decode'):.2f}",
            f"{_ratio(method, greedy, 'prefill'):.2f}",
            str(method.turns[0].steps),
            f"{method.memory / 1e6:.0f}",
            f"{method.memory / greedy.memory:.2f}",
        ]
        print(f"| {' | '.join(cells)} |")
    named = {method.name: method for method in methods}
    for name in ("opera", "opera clean"):
        if name in named and "beam" in named:
            ratio = _ratio(named[name], named["beam"], "decode")
            print(f"\n{name} takes {ratio:.2f} times as long as beam search.")


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device}, {torch.get_num_threads()} threads"


def _ratio(method: Method, other: Method, phase: str) -> float:
    return statistics.median(
        getattr(mine, phase) / getattr(theirs, phase)
        for mine, theirs in zip(method.turns, other.turns, strict=True)
    )


if __name__ == "__main__":
    main()
