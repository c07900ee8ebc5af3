"""AAI equals its formula: worked vectors, a naive implementation, rows that do not disturb each other."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import naive
import pytest
import tiny
import torch
from torch import Tensor

from aai_worker.attention import METHODS, RowEdit
from aai_worker.engine import Engine
from aai_worker.protocol import InstallHookCommand, ModelCommand, RemoveHookCommand
from aai_worker.vision.reference import normalise


def apply(x: list[float], r: Tensor, alpha: float, beta: float) -> list[float]:
    """One row, one head, keys = image keys between two others that must stay as they are."""
    edit = RowEdit(
        parameters=tiny.aai(alpha=alpha, beta=beta).parameters,
        hook=None,
        positions=torch.arange(1, len(x) + 1),
        layers=frozenset(),
        shared=len(x) + 1,
        reference=r,
        constant=False,
    )
    logits = torch.tensor([7.0, *x, -7.0])[None, None, None]
    edited = METHODS["aai"]([edit], [edit.positions])(logits)[0, 0, 0].tolist()
    assert (edited[0], edited[-1]) == (7.0, -7.0)
    return edited[1:-1]


def test_worked_vector() -> None:
    r = normalise(torch.tensor([4, 1, 0.5, 2.5]), "mean")
    assert apply([2, -1, 0.5, -3], r, alpha=0.3, beta=1) == pytest.approx(
        [3.2, -0.85, 0.5375, -1.875], abs=1e-6
    )


def test_worked_vector_of_pai() -> None:
    assert apply([2, -1, 0.5, -3], torch.ones(4), alpha=0.5, beta=1) == pytest.approx(
        [3, -0.5, 0.75, -1.5], abs=1e-6
    )


def test_beta_scales_what_was_there() -> None:
    assert apply([2, -1], torch.tensor([0.0, 2.0]), alpha=1, beta=0.5) == pytest.approx([1, 1.5], abs=1e-6)


@pytest.mark.parametrize("seed", range(24))
def test_equals_the_naive_implementation(
    seed: int, engine: Engine, oracle: tuple[Any, Any], logits: list[Tensor]
) -> None:
    draw = random.Random(seed)
    text = draw.choice(["<image>\nWhat?", "Look <image> here:", "A <image>B"])
    image = draw.randrange(3)
    edits = [draw_edit(draw) for _ in range(draw.choice([1, 1, 2]))]
    with torch.no_grad():
        prompt, keys, reference = embed(oracle, text, image)
        tokens, expected = naive.greedy(oracle[0], prompt, keys, reference, edits, count=9)
        _, plain = naive.greedy(oracle[0], prompt, keys, reference, [], count=9)

    row = tiny.row(*(tiny.aai(edit.alpha, edit.beta, edit.layers, edit.warmup) for edit in edits))
    result = tiny.run(engine, [tiny.sample(text, image=image)], [row], tiny.pictures(3), tokens=9)

    assert result.ids() == tokens
    assert (torch.cat(logits) - expected).abs().max() < 1e-5
    first = min(edit.warmup for edit in edits) + 1
    assert torch.equal(expected[:first], plain[:first]), "nothing is edited before a warm-up is over"
    assert (expected[first] - plain[first]).abs().max() > 1e-3, "and then it shows"


def draw_edit(draw: random.Random) -> naive.Edit:
    start = draw.randrange(tiny.LAYERS)
    return naive.Edit(
        alpha=draw.uniform(0.1, 1.5),
        beta=draw.uniform(0.3, 1.5),
        layers=(start, draw.randint(start + 1, tiny.LAYERS)),
        warmup=draw.randint(-1, 5),
    )


def embed(oracle: tuple[Any, Any], text: str, image: int) -> tuple[Tensor, list[int], Tensor]:
    """The embedded prompt [P, hidden], where its image tokens are, and the released code's reference."""
    model, processor = oracle
    inputs = processor(text=text, images=tiny.picture(image), return_tensors="pt")
    ids = inputs["input_ids"][0]
    keys = (ids == model.config.image_token_id).nonzero()[:, 0].tolist()
    prompt = model.get_input_embeddings()(ids).clone()
    prompt[keys] = model.get_image_features(inputs["pixel_values"]).pooler_output[0]
    return prompt, keys, naive.seed_reference(model, inputs["pixel_values"])


SETTINGS = [
    [],
    [tiny.aai(alpha=0.4, warmup=-1)],
    [tiny.aai(alpha=1.2, beta=0.7, layers=(0, 2), warmup=3)],
    [
        tiny.aai(alpha=0.2, layers=(3, 4), mode="corrected", normalisation="rank"),
        tiny.aai(alpha=0.9, warmup=0),
    ],
    [tiny.aai(alpha=0.6, layers=(2, 3), normalisation="clip", warmup=5)],
]


def test_every_row_gets_what_it_gets_alone(engine: Engine, logits: list[Tensor]) -> None:
    texts = ["<image>\nWhat?", "Look: <image>\nPlease describe this image in detail."]
    samples = [tiny.sample(text, image=index) for index, text in enumerate(texts)]
    rows = [tiny.row(*edits, sample=sample) for sample in (0, 1) for edits in SETTINGS]
    together = tiny.run(engine, samples, rows, tiny.pictures(2))
    batch = torch.stack(logits)  # [step, R, V]

    for number, row in enumerate(rows):
        logits.clear()
        alone = tiny.run(engine, samples, [row], tiny.pictures(2))
        assert together.ids(number) == alone.ids()
        assert (batch[:, number] - torch.cat(logits)).abs().max() < 1e-5
    different = {tuple(together.ids(number)) for number in range(len(rows))}
    assert len(different) >= 8, "the settings are meant to show"


def test_rows_that_leave_do_not_disturb_the_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [tiny.row(*edits) for edits in SETTINGS]
    alone = [tiny.run(engine, [tiny.sample()], [row], tiny.pictures(1)).ids() for row in rows]
    stop = alone[2][6]
    model = engine._find("m1").model
    monkeypatch.setattr(model, "stop_ids", frozenset([stop]))
    together = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1))

    cut = [ids[: ids.index(stop) + 1] if stop in ids else ids for ids in alone]
    assert [together.ids(row) for row in range(len(rows))] == cut
    assert len({len(ids) for ids in cut}) > 1


def test_a_hook_is_the_declared_edit_and_leaves_nothing_behind(engine: Engine, logits: list[Tensor]) -> None:
    def generate(*rows: Any) -> tuple[Tensor, tiny.Run]:
        logits.clear()
        result = tiny.run(engine, [tiny.sample()], list(rows), tiny.pictures(1))
        return torch.stack(logits), result

    edit = tiny.aai(alpha=0.8, beta=0.9, warmup=0)
    plain, _ = generate(tiny.hooked_row())
    hook = engine.install_hook(InstallHookCommand(model="m1", edit=edit), [])
    assert [hook.hook for hook in engine.list_hooks(ModelCommand(model="m1")).hooks] == [hook.hook]
    hooked, result = generate(tiny.hooked_row())
    untouched, _ = generate(tiny.row())
    engine.remove_hook(RemoveHookCommand(model="m1", hook=hook.hook))
    removed, after = generate(tiny.hooked_row())
    declared, _ = generate(tiny.row(edit))

    assert torch.equal(hooked, declared)
    assert not torch.equal(hooked, plain)
    assert torch.equal(removed, plain)
    assert torch.equal(untouched, plain)
    assert result.summary is not None and after.summary is not None
    assert [proof.hook for proof in result.summary.attestation] == [hook.hook]
    assert after.summary.attestation == []


def test_hooks_apply_in_the_order_of_installation(engine: Engine, logits: list[Tensor]) -> None:
    first, second = tiny.aai(alpha=1.0, beta=0.2, warmup=-1), tiny.aai(alpha=0.1, beta=1.5, warmup=-1)
    hooks = [engine.install_hook(InstallHookCommand(model="m1", edit=edit), []) for edit in (first, second)]
    tiny.run(engine, [tiny.sample()], [tiny.hooked_row()], tiny.pictures(1))
    for hook in hooks:
        engine.remove_hook(RemoveHookCommand(model="m1", hook=hook.hook))
    tiny.run(engine, [tiny.sample()], [tiny.row(first, second)], tiny.pictures(1))
    tiny.run(engine, [tiny.sample()], [tiny.row(second, first)], tiny.pictures(1))

    assert torch.equal(torch.stack(logits[:12]), torch.stack(logits[12:24]))
    assert not torch.equal(logits[0], logits[24])


def test_a_reference_of_the_callers_and_keys_of_the_callers(engine: Engine, logits: list[Tensor]) -> None:
    """Given exactly what would have been extracted and found, the result is the same, bit for bit."""
    image = tiny.pictures(1)
    encode_image = engine._find("m1").model.encode_image
    pixels = engine._find("m1").model.preprocess(tiny.picture(0))
    with torch.inference_mode():
        reference = encode_image(pixels, frozenset(["released"])).references["released"].tokens.numpy()
    edits = [tiny.aai(warmup=-1), tiny.aai(warmup=-1, reference=1, image_keys=(4, 4 + tiny.IMAGE_TOKENS))]
    for edit in edits:
        tiny.run(engine, [tiny.sample("Look<image>?")], [tiny.row(edit)], [*image, reference], tokens=4)

    assert torch.equal(torch.stack(logits[:4]), torch.stack(logits[4:]))


@pytest.mark.parametrize(
    ("tokens", "warmup", "steps"), [(12, 5, 6), (12, -1, 12), (6, 5, 0), (7, 5, 1), (3, 0, 2)]
)
def test_attestation_counts_steps_and_layers(engine: Engine, tokens: int, warmup: int, steps: int) -> None:
    """Step k is edited where k > warmup: with the released 5, the choice of the 7th token is the first."""
    rows = [tiny.row(), tiny.row(tiny.aai(layers=(1, 3), warmup=warmup), tiny.aai(layers=(0, 4), warmup=1))]
    result = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), tokens=tokens)

    assert result.summary is not None
    first, second = result.summary.attestation
    assert (first.row, first.method, first.steps, first.applications) == (1, "aai", steps, 2 * steps)
    assert first.layers == ([1, 2] if steps else [])
    assert (second.layers, second.steps) == ([0, 1, 2, 3], tokens - 2)
    assert [token.edited for token in result.tokens[0]] == [False] * tokens
    assert [token.edited for token in result.tokens[1]] == [step > min(warmup, 1) for step in range(tokens)]


def test_the_edit_runs_where_it_is_attested(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts come from the attention function itself: with a method that does nothing they go on."""
    applied: Counter[int] = Counter()

    def batch_edits(edits: Any, columns: Any) -> Any:
        def apply(logits: Tensor) -> Tensor:
            applied[len(edits)] += 1
            return logits

        return apply

    monkeypatch.setitem(METHODS, "aai", batch_edits)
    rows = [tiny.row(tiny.aai(layers=(1, 3))), tiny.row(tiny.aai(layers=(2, 4)))]
    result = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), tokens=6)

    assert applied == {1: 2 * 3, 2: 3}  # layers 1 and 3 for one row each, layer 2 for both, in three steps
    assert result.summary is not None
    assert [proof.applications for proof in result.summary.attestation] == [6, 6]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(dtype: str, checkpoint: Path) -> None:
    engine = tiny.load(checkpoint, dtype=dtype)
    policy = tiny.capture(layers=[1], heads="mean")
    rows = [tiny.row(), tiny.row(tiny.aai(alpha=0.3, warmup=-1))]
    result = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), capture=policy)

    assert len(result.ids(0)) == len(result.ids(1)) == 12
    sums = [event.weights.sum() for row in (0, 1) for event in result.attention[row]]
    assert sums == pytest.approx([1.0] * 24, abs=1e-4)
