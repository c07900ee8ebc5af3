"""What a caller can do wrong: one clear sentence each, before anything runs. A bad sample fails alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny
import torch

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.models import Model
from aai_worker.protocol import (
    AttentionEdit,
    ExtractVisionCommand,
    InstallHookCommand,
    ModelCommand,
    RemoveHookCommand,
    Row,
    Sample,
)

NAN = float("nan")
SIXTEEN = np.ones(16, dtype=np.float32)


@pytest.mark.parametrize(
    ("edit", "code", "message"),
    [
        (tiny.aai(alpha=NAN), "bad-input", "alpha is nan; a finite number is needed."),
        (tiny.aai(beta=float("inf")), "bad-input", "beta is inf; a finite number is needed."),
        (tiny.aai(layers=(2, 2)), "bad-input", "The layer range [2, 2) is empty"),
        (tiny.aai(layers=(3, 1)), "bad-input", "The layer range [3, 1) is empty"),
        (
            tiny.aai(layers=(2, 32)),
            "hook-unmatched",
            "[2, 32) reaches outside the model, whose decoder has layers 0 to 3",
        ),
        (tiny.aai(layers=(4, 5)), "hook-unmatched", "its end may be 4 at most"),
        (tiny.aai(reference=7), "bad-input", "The reference is said to be array 7, but 6 arrays came along."),
        (tiny.aai(reference=0), "bad-input", "The vision reference is uint8 of shape"),
        (tiny.aai(reference=2), "bad-input", "The vision reference is float32 of shape [4, 4]"),
        (tiny.aai(reference=4), "bad-input", "The vision reference holds values that are not finite."),
        (
            tiny.aai(reference=3),
            "hook-unmatched",
            "has 9 values, but the edit acts on 16 image keys (0 to 15)",
        ),
        (
            tiny.aai(image_keys=(20, 36)),
            "hook-unmatched",
            "imageKeys [20, 36) do not lie in the prompt, which has 28 tokens",
        ),
        (tiny.aai(image_keys=(5, 5)), "hook-unmatched", "imageKeys [5, 5) do not lie in the prompt"),
        (
            tiny.aai(image_keys=(2, 5)),
            "hook-unmatched",
            "has 16 values, but the edit acts on 3 image keys (2 to 4)",
        ),
    ],
)
def test_edits_that_cannot_be(
    edit: AttentionEdit, code: str, message: str, engine: Engine, logits: list[torch.Tensor]
) -> None:
    bad = SIXTEEN.copy()
    bad[3] = np.nan
    arrays = [*tiny.pictures(1), SIXTEEN, SIXTEEN.reshape(4, 4), SIXTEEN[:9], bad, SIXTEEN]
    with pytest.raises(WorkerError) as caught:
        tiny.run(engine, [tiny.sample()], [tiny.row(), tiny.row(edit)], arrays)

    assert caught.value.code == code
    assert message in caught.value.message
    assert logits == [], "refused before anything ran"


def test_no_image_token_in_the_prompt(engine: Engine) -> None:
    samples = [tiny.sample("Hello there, how are you?", image=None)]
    with pytest.raises(WorkerError, match="no image token, so the edit would act on nothing") as caught:
        tiny.run(engine, samples, [tiny.row(tiny.aai())], [])
    assert caught.value.code == "hook-unmatched"
    with pytest.raises(WorkerError, match="no image to extract a reference from"):
        tiny.run(engine, samples, [tiny.row(tiny.aai(image_keys=(1, 5)))], [])

    keys = tiny.aai(image_keys=(1, 5), reference=0, warmup=-1)
    result = tiny.run(engine, samples, [tiny.row(keys)], [SIXTEEN[:4]], tokens=3)
    assert result.summary is not None and result.summary.attestation[0].applications == 9


@pytest.mark.parametrize(
    ("rows", "samples", "message"),
    [
        ([], [tiny.sample()], "The command has no rows"),
        ([tiny.row(sample=1)], [tiny.sample()], "Row 0 continues sample 1, but there are 1 samples."),
    ],
)
def test_commands_that_cannot_be(
    rows: list[Row], samples: list[Sample], message: str, engine: Engine
) -> None:
    with pytest.raises(WorkerError, match=message):
        tiny.run(engine, samples, rows, tiny.pictures(1))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (tiny.capture(layers=[1, 4]), "Cannot capture layer 4: the decoder has layers 0 to 3."),
        (tiny.capture(layers=[]), "names no layer"),
        (tiny.capture(heads="chosen"), "names none in chosenHeads"),
        (tiny.capture(heads="chosen", chosen=(4,)), "Cannot capture head 4: a layer has heads 0 to 3."),
        (tiny.capture(keys="image"), "Row 1 has no image"),
    ],
)
def test_captures_that_cannot_be(policy: Any, message: str, engine: Engine) -> None:
    samples = [tiny.sample(), tiny.sample("Hello", image=None)]
    with pytest.raises(WorkerError, match=message):
        tiny.run(engine, samples, [tiny.row(), tiny.row(sample=1)], tiny.pictures(1), capture=policy)


@pytest.mark.parametrize(
    ("bad", "code", "message"),
    [
        (tiny.sample(image=1), "bad-image", "The 9 bytes are not an image"),
        (tiny.sample(image=9), "bad-input", "The image is said to be array 9, but 3 arrays came along."),
        (tiny.sample("", template="chat"), "bad-input", "The prompt is empty"),
        (tiny.sample("x", image=None), "bad-input", "The prompt has 1 token; at least 2 are needed."),
        (tiny.sample("<image>" + "x" * 304), "prompt-too-long", "The prompt has 320 tokens, image included"),
    ],
)
def test_a_bad_sample_fails_its_rows_only(bad: Sample, code: str, message: str, engine: Engine) -> None:
    arrays = [*tiny.pictures(1), tiny.frame(b"not a cat"), *tiny.pictures(1)]
    rows = [
        tiny.row(sample=0),
        tiny.row(sample=1),
        tiny.row(tiny.aai(), sample=1),
        tiny.row(tiny.aai(), sample=2),
    ]
    result = tiny.run(engine, [tiny.sample(), bad, tiny.sample(image=2)], rows, arrays)
    alone = tiny.run(engine, [tiny.sample()], [tiny.row(), tiny.row(tiny.aai())], arrays)

    for number in (1, 2):
        failed = result.rows[number]
        assert (failed.finish_reason, failed.text, failed.token_ids) == ("failed", "", [])
        assert failed.fault is not None
        assert (failed.fault.code, failed.fault.traceback) == (code, "")
        assert message in failed.fault.message
    assert result.ids(0) == alone.ids(0)
    assert result.ids(3) == alone.ids(1)
    assert result.summary is not None
    assert [proof.row for proof in result.summary.attestation] == [3]


def test_only_bad_samples(engine: Engine) -> None:
    result = tiny.run(engine, [tiny.sample()], [tiny.row()], [tiny.frame(b"")])
    assert result.rows[0].finish_reason == "failed"
    assert result.summary is not None and result.summary.timings.generated_tokens == 0
    assert result.prefilled == []


def test_an_image_that_the_processor_refuses(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("Unable to infer channel dimension format")

    monkeypatch.setattr(engine._find("m1").model, "image_processor", refuse)
    result = tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1))
    assert result.rows[0].fault is not None
    assert result.rows[0].fault.message.startswith(
        "The 12 x 10 image cannot be preprocessed: Unable to infer"
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (300, 1), (2, 3)])
def test_odd_sizes(size: tuple[int, int], engine: Engine) -> None:
    arrays = [tiny.frame(tiny.encode(tiny.picture(0, *size)))]
    result = tiny.run(engine, [tiny.sample()], [tiny.row()], arrays, tokens=2)
    assert result.rows[0].finish_reason == "length", result.rows[0].fault


def test_unknown_names(engine: Engine) -> None:
    with pytest.raises(WorkerError, match=r'No model "m9" is loaded; loaded: m1.') as caught:
        engine.describe(ModelCommand(model="m9"))
    assert caught.value.code == "unknown-model"
    with pytest.raises(WorkerError, match=r'"m1" has no hook "h9"; installed: none.') as caught:
        engine.remove_hook(RemoveHookCommand(model="m1", hook="h9"))
    assert caught.value.code == "unknown-hook"
    with pytest.raises(WorkerError, match="reaches outside the model"):
        engine.install_hook(InstallHookCommand(model="m1", edit=tiny.aai(layers=(0, 9))), [])
    with pytest.raises(WorkerError, match="The image is said to be array 0, but 0 arrays came along"):
        engine.extract_vision(ExtractVisionCommand(model="m1", image=0, mode="released"), [])


@pytest.mark.parametrize("device", ["cuda:7", "warp", "cpu:x"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(WorkerError, match=f'Device "{device}" cannot be used'):
        Engine(device=device)


def test_out_of_memory(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's own allocator says it, on the CPU: a step asks for a petabyte."""
    model: Model = engine._find("m1").model
    monkeypatch.setattr(model, "forward", lambda *_, **__: torch.empty(1 << 50))
    with pytest.raises(WorkerError, match=r"Out of memory .*: generate fewer rows at once") as caught:
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1))
    assert caught.value.code == "out-of-memory"

    monkeypatch.undo()
    assert tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1)).ids()


def test_other_failures_are_not_dressed_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(engine._find("m1").model, "forward", fail)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1))
