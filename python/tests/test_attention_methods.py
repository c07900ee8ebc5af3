"""PAI, HGAI and VAF equal their formulas: worked vectors, the naive implementation, mixed batches."""

from __future__ import annotations

import random
from typing import Any

import naive
import numpy as np
import pytest
import tiny
import torch
from test_aai import embed
from torch import Tensor

from aai_worker.attention import METHODS, RowEdit
from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.protocol import AttentionEdit


def apply(edit: AttentionEdit, logits: Tensor, keys: list[int]) -> Tensor:
    """[Hkv, G, K] of one row."""
    row = RowEdit(
        edit.parameters, None, frozenset(), torch.tensor(keys), 99, reference=torch.empty(0), constant=False
    )
    return METHODS[row.method]([row], [row.positions])(logits[None].clone())[0]


def test_worked_vector_of_pai() -> None:
    edited = apply(tiny.pai(alpha=0.5), torch.tensor([[[7, 2, -1, 0.5, -3, -7]]]), keys=[1, 2, 3, 4])
    assert edited.tolist() == [[[7, 3, -0.5, 0.75, -1.5, -7]]]


def test_worked_vector_of_hgai() -> None:
    """Four heads, two per key-value head: means of |x| on the image keys are 2 and 3."""
    logits = torch.tensor([[[5.0, 1, -6, 9], [5, -2, 2, 9]], [[5, 4, 0, 9], [5, -1, 4, 9]]])
    edited = apply(tiny.hgai(alpha=0.5), logits, keys=[1, 2])
    assert edited.tolist() == [[[5, 2, -4.5, 9], [5, -1, 3.5, 9]], [[5, 5, 1.5, 9], [5, 0, 5.5, 9]]]


def test_worked_vector_of_vaf() -> None:
    edited = apply(tiny.vaf(enhance=1.25, suppress=0.5), torch.tensor([[[4.0, -2, 8, -4, 6]]]), keys=[2, 3])
    assert edited.tolist() == [[[2, -1, 10, -5, 6]]]


@pytest.mark.parametrize("seed", range(16))
def test_equals_the_naive_implementation(
    seed: int, engine: Engine, oracle: tuple[Any, Any], logits: list[Tensor]
) -> None:
    draw = random.Random(seed)
    text = draw.choice(["<image>\nWhat?", "Look <image> here:"])
    image = draw.randrange(3)
    start = draw.randrange(tiny.LAYERS)
    layers = (start, draw.randint(start + 1, tiny.LAYERS))
    alpha, enhance, suppress = draw.uniform(0.1, 1.5), draw.uniform(1.05, 2), draw.uniform(0.3, 0.9)
    edit, expected_edit = [
        (tiny.pai(alpha, layers), naive.Pai(alpha, layers)),
        (tiny.hgai(alpha, layers), naive.Hgai(alpha, layers)),
        (tiny.vaf(enhance, suppress, layers), naive.Vaf(enhance, suppress, layers)),
        (
            tiny.vaf(enhance, suppress, layers, queries="newest"),
            naive.Vaf(enhance, suppress, layers, prompt=False),
        ),
    ][seed % 4]
    with torch.no_grad():
        prompt, keys, reference = embed(oracle, text, image)
        tokens, expected = naive.greedy(oracle[0], prompt, keys, reference, [expected_edit], count=9)
        _, plain = naive.greedy(oracle[0], prompt, keys, reference, [], count=1)
    result = tiny.run(engine, [tiny.sample(text, image=image)], [tiny.row(edit)], tiny.pictures(3), tokens=9)

    assert result.ids() == tokens
    assert (torch.cat(logits) - expected).abs().max() < 1e-5
    assert (expected[0] - plain[0]).abs().max() > 1e-3, "the first token is edited already"


def test_rows_of_different_methods_in_one_batch(engine: Engine, logits: list[Tensor]) -> None:
    texts = ["<image>\nWhat?", "Look: <image>\nPlease describe this image in detail."]
    samples = [tiny.sample(text, image=index) for index, text in enumerate(texts)]
    edits = [
        [tiny.aai(warmup=1)],
        [tiny.pai()],
        [tiny.hgai(layers=(0, 3))],
        [tiny.vaf(enhance=1.6, suppress=0.6)],
        [tiny.vaf(suppress=0.5), tiny.pai(alpha=1.0, layers=(2, 4))],
        [],
    ]
    rows = [tiny.row(*row, sample=sample) for sample in (0, 1) for row in edits]
    together = tiny.run(engine, samples, rows, tiny.pictures(2))
    batch = torch.stack(logits)  # [step, R, V]

    for number, row in enumerate(rows):
        logits.clear()
        alone = tiny.run(engine, samples, [row], tiny.pictures(2))
        assert together.ids(number) == alone.ids()
        assert (batch[:, number] - torch.cat(logits)).abs().max() < 1e-5
    assert together.summary is not None
    methods = [proof.method for proof in together.summary.attestation]
    assert methods == ["aai", "pai", "hgai", "vaf", "vaf", "pai"] * 2
    assert not any(proof.constant_reference for proof in together.summary.attestation)


def test_what_edits_prompts_alike_is_prefilled_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five rows of one sample, three prefills: plain, and one for each pair of factors."""
    prompts = []
    model = engine._find("m1").model
    prefill = model.prefill
    monkeypatch.setattr(
        model, "prefill", lambda some, step: (prompts.append(len(some)), prefill(some, step))[1]
    )
    edits = [tiny.pai(), tiny.vaf(1.3), tiny.vaf(1.5), tiny.vaf(1.3, queries="newest"), tiny.vaf(1.3)]
    tiny.run(engine, [tiny.sample()], [tiny.row(edit) for edit in edits], tiny.pictures(1))
    assert sum(prompts) == 3


def test_warmup_of_pai(engine: Engine, logits: list[Tensor]) -> None:
    """0: from the second token on, as the released code with guidance."""
    rows = [tiny.row(), tiny.row(tiny.pai(alpha=1.5)), tiny.row(tiny.pai(alpha=1.5, warmup=0))]
    result = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), tokens=3)
    plain, first, second = logits[0]
    assert torch.equal(plain, second) and not torch.equal(plain, first)
    assert result.summary is not None
    assert [proof.steps for proof in result.summary.attestation] == [3, 2]


@pytest.mark.parametrize("edit", [tiny.pai(alpha=0), tiny.hgai(alpha=0), tiny.vaf(1, 1)])
def test_neutral_parameters_change_no_logit(edit: AttentionEdit, engine: Engine) -> None:
    logits = torch.randn(2, 2, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(apply(edit, logits, keys=[3, 4, 5]), logits)
    rows = [tiny.row(edit), tiny.row()]
    result = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1))
    assert result.ids(0) == result.ids(1)


def test_no_reference_is_extracted_for_methods_without(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = engine._find("m1").model
    modes = []
    encode_image = model.encode_image

    def recorded(pixels: Any, wanted: Any) -> Any:
        modes.append(wanted)
        return encode_image(pixels, wanted)

    monkeypatch.setattr(model, "encode_image", recorded)
    rows = [tiny.row(tiny.pai()), tiny.row(tiny.hgai()), tiny.row(tiny.vaf())]
    tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), tokens=1)
    assert modes == [frozenset()]


def test_a_reference_that_is_not_used_is_refused(engine: Engine) -> None:
    edit = AttentionEdit(parameters=tiny.pai().parameters, reference=1)
    arrays = [*tiny.pictures(1), np.ones(tiny.IMAGE_TOKENS, dtype=np.float32)]
    with pytest.raises(WorkerError, match="pai takes no vision reference"):
        tiny.run(engine, [tiny.sample()], [tiny.row(edit)], arrays)


def test_a_number_that_is_none_is_refused(engine: Engine) -> None:
    with pytest.raises(WorkerError, match="enhance is nan; a finite number is needed"):
        tiny.run(engine, [tiny.sample()], [tiny.row(tiny.vaf(enhance=float("nan")))], tiny.pictures(1))
