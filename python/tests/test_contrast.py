"""Contrasts equal their formulas: worked vectors, the naive implementation with both streams recomputed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import naive
import pytest
import tiny
import torch
from test_aai import embed
from torch import Tensor

from aai_worker.contrast import CONTRASTS, create_contrast
from aai_worker.contrast.base import TwoStreams, keep_plausible
from aai_worker.contrast.deco import correct, find_candidates
from aai_worker.contrast.dola import contrast_layers
from aai_worker.contrast.vcd import add_noise, noise_level
from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.inputs.prepare import prepare_sample
from aai_worker.protocol import (
    ApcOnlyParameters,
    BeamParameters,
    DecoParameters,
    DolaParameters,
    IcdParameters,
    M3idParameters,
    PaiCfgParameters,
    Prompt,
    Sample,
    SidParameters,
    VcdParameters,
)

TEXT = "Look <image> here:"
TOKENS = 9


def vcd(alpha: float = 1.0, beta: float = 0.1, noise_step: int = 500, seed: int = 3) -> VcdParameters:
    return VcdParameters(alpha=alpha, beta=beta, noise_step=noise_step, seed=seed)


def apc(beta: float = 0.1) -> ApcOnlyParameters:
    return ApcOnlyParameters(beta=beta)


def m3id(decay: float = 0.1, beta: float = 0.1, first_step: int = 1) -> M3idParameters:
    return M3idParameters(decay=decay, first_step=first_step, beta=beta)


def pai_cfg(gamma: float = 1.5, beta: float = 0.1) -> PaiCfgParameters:
    return PaiCfgParameters(gamma=gamma, beta=beta)


def icd(alpha: float = 0.5, beta: float = 0.1, disturbance: str = "Be confused.") -> IcdParameters:
    return IcdParameters(alpha=alpha, beta=beta, disturbance=disturbance)


def dola(layers: tuple[int, ...] = (0, 2), relative_top: float = 0.1) -> DolaParameters:
    return DolaParameters(layers=list(layers), relative_top=relative_top)


def deco(
    alpha: float = 0.6, layers: tuple[int, int] = (1, 4), top_p: float = 0.9, max_candidates: int = 20
) -> DecoParameters:
    return DecoParameters(alpha=alpha, layers=layers, top_p=top_p, max_candidates=max_candidates)


def sid(alpha: float = 1.0, beta: float = 0.1, keep: int = 5, layer: int = 2) -> SidParameters:
    return SidParameters(alpha=alpha, beta=beta, keep=keep, layer=layer)


def combine(parameters: Any, main: list[float], other: list[float], age: int = 0) -> list[float]:
    contrast = create_contrast(parameters)
    assert isinstance(contrast, TwoStreams)
    streams = torch.tensor([main, other], dtype=torch.float32)
    (logits,) = contrast.combine(streams[:1], streams[1:], torch.tensor([[age]]))
    return logits.tolist()


def test_worked_vector_of_vcd() -> None:
    """log 0.1 = -2.303: the third token, 3 below the best, is implausible however much it gains."""
    assert combine(vcd(alpha=1), [4, 3, 1], [4, 1, -9]) == [4, 5, -math.inf]
    assert combine(vcd(alpha=0.5, beta=0), [4, 3, 1], [4, 1, -9]) == [4, 4, 6]


def test_worked_vector_of_the_plausibility_constraint() -> None:
    main = torch.tensor([[math.log(0.6), math.log(0.29), math.log(0.11)]])
    kept = keep_plausible(torch.tensor([[1.0, 2, 3]]), main, beta=0.2)  # those of 0.12 and more
    assert kept.tolist() == [[1, 2, -math.inf]]
    assert keep_plausible(main, main, beta=1).isfinite().tolist() == [[True, False, False]]


def test_worked_vector_of_m3id() -> None:
    """With weight (1 - g) / g = 2 at t = log(3) / decay; lc = log(.5, .25, .25), lu = log(.25, .5, .25).

    t of the 7th token is 7 as in AvisC, or 6 as in RITUAL.
    """
    main, other = [math.log(p) for p in (0.5, 0.25, 0.25)], [math.log(p) for p in (0.25, 0.5, 0.25)]
    expected = [math.log(0.5) + 2 * math.log(2), math.log(0.25) - 2 * math.log(2), math.log(0.25)]
    for parameters in (
        m3id(decay=math.log(3) / 7),
        m3id(decay=math.log(3) / 6, first_step=0),
    ):
        assert combine(parameters, main, other, age=6) == pytest.approx(expected, abs=1e-5)
    assert combine(m3id(beta=0, first_step=0), main, other, age=0) == pytest.approx(main)


def test_worked_vector_of_pai_cfg() -> None:
    """gamma * (lc - lu) + lu with gamma 2: 2 lc - lu, of logits that are log-probabilities already."""
    main, other = [math.log(p) for p in (0.5, 0.47, 0.03)], [math.log(p) for p in (0.25, 0.5, 0.25)]
    logits = combine(pai_cfg(gamma=2), main, other)
    assert logits[:2] == pytest.approx([math.log(1.0), math.log(0.47**2 / 0.5)], abs=1e-6)
    assert logits[2] == -math.inf  # 0.03 < 0.1 * 0.5


def test_worked_vector_of_icd() -> None:
    assert combine(icd(alpha=0.5), [4, 3, 1], [4, 1, -9]) == [4, 4, -math.inf]


def test_worked_vector_of_dola() -> None:
    """The second early layer differs from the last one, the first does not: it is the one that counts."""
    final = torch.tensor([[0.5, 0.4, 0.1]])
    early = torch.tensor([[[0.5, 0.4, 0.1]], [[0.8, 0.1, 0.1]]])
    logits = contrast_layers(final.log(), early.log(), relative_top=0.5)
    assert logits[0, :2].tolist() == pytest.approx([math.log(0.5 / 0.8), math.log(0.4 / 0.1)])
    assert logits[0, 2] == -math.inf  # 0.1 < 0.5 * 0.5


def test_worked_vector_of_deco() -> None:
    """Candidates 0 and 1 have 0.9 together; layer 1 is sure of token 1: 0.7 of it is added."""
    final = torch.tensor([[0.5, 0.4, 0.1]]).log()
    early = torch.tensor([[[0.6, 0.2, 0.2]], [[0.1, 0.7, 0.2]]]).log()
    candidates = find_candidates(final, top_p=0.85, count=20)
    assert candidates.tolist() == [[True, True, False]]
    assert find_candidates(final, top_p=0.85, count=1).tolist() == [[True, False, False]]
    assert find_candidates(final, top_p=0.95, count=20).all()
    logits = correct(final, early, candidates, alpha=2)
    expected = [math.log(0.5) + 1.4 * math.log(0.1), math.log(0.4) + 1.4 * math.log(0.7)]
    assert logits[0, :2].tolist() == pytest.approx(expected)
    assert logits[0, 2] == -math.inf


@pytest.mark.parametrize(
    ("step", "signal", "deviation"),
    [
        (100, 0.99829, 0.05841),
        (300, 0.98098, 0.19409),
        (500, 0.86302, 0.50517),
        (700, 0.59268, 0.80544),
        (999, 0.28504, 0.95851),
    ],
)
def test_noise_schedule(step: int, signal: float, deviation: float) -> None:
    assert noise_level(step) == pytest.approx((signal, deviation), abs=6e-6)


def test_noise_is_seeded() -> None:
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(9))
    noisy = add_noise(pixels, 500, seed=1)
    assert torch.equal(noisy, add_noise(pixels, 500, seed=1))
    assert not torch.equal(noisy, add_noise(pixels, 500, seed=2))
    brighter = add_noise(pixels + 1, 500, seed=1) - noise_level(500)[0]
    assert not torch.allclose(brighter, noisy, atol=0.1), "another picture, another noise"
    added = (noisy - 0.86302 * pixels) / 0.50517
    assert (float(added.mean()), float(added.std())) == pytest.approx((0, 1), abs=0.03)


def noisy_prompt(oracle: tuple[Any, Any]) -> Tensor:
    model, processor = oracle
    inputs = processor(text=TEXT, images=tiny.picture(0), return_tensors="pt")
    prompt, keys, _ = embed(oracle, TEXT, 0)
    pixels = add_noise(inputs["pixel_values"], 500, seed=3)
    prompt[keys] = model.get_image_features(pixels).pooler_output[0]
    return prompt


def image_free_prompt(oracle: tuple[Any, Any]) -> Tensor:
    model, processor = oracle
    ids = processor.tokenizer(TEXT.replace("<image>", ""), return_tensors="pt")["input_ids"][0]
    return model.get_input_embeddings()(ids)


def disturbed_prompt(oracle: tuple[Any, Any]) -> Tensor:
    return embed(oracle, f"Be confused. {TEXT}", 0)[0]


def same_prompt(oracle: tuple[Any, Any]) -> Tensor:
    return embed(oracle, TEXT, 0)[0]


def plausible(logits: Tensor, main: Tensor, beta: float) -> Tensor:
    p = main.exp() / main.exp().sum()
    return torch.where(p >= beta * p.max(), logits, -torch.inf)


def log_probabilities(logits: Tensor) -> Tensor:
    return logits - logits.exp().sum().log()


def naive_vcd(main: Tensor, other: Tensor, step: int) -> Tensor:
    return plausible(2 * main - other, main, 0.1)


def naive_m3id(main: Tensor, other: Tensor, step: int) -> Tensor:
    lc, lu = log_probabilities(main), log_probabilities(other)
    g = math.exp(-0.1 * (step + 1))
    return plausible(lc + (1 - g) / g * (lc - lu), main, 0.1)


def naive_pai_cfg(main: Tensor, other: Tensor, step: int) -> Tensor:
    lc, lu = log_probabilities(main), log_probabilities(other)
    return plausible(1.5 * (lc - lu) + lu, main, 0.1)


def naive_icd(main: Tensor, other: Tensor, step: int) -> Tensor:
    return plausible(1.5 * main - 0.5 * other, main, 0.1)


NAIVE: dict[str, tuple[Any, Callable[[Any], Tensor], Callable[[Tensor, Tensor, int], Tensor]]] = {
    "vcd": (vcd(), noisy_prompt, naive_vcd),
    "m3id": (m3id(), image_free_prompt, naive_m3id),
    "paiCfg": (pai_cfg(), image_free_prompt, naive_pai_cfg),
    "icd": (icd(), disturbed_prompt, naive_icd),
    "sid": (sid(), same_prompt, naive_vcd),
}


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("name", NAIVE)
def test_equals_the_naive_implementation(
    name: str, edited: bool, engine: Engine, oracle: tuple[Any, Any], logits: list[Tensor]
) -> None:
    """Every token is contrasted, and by both streams' own history; an edit touches the main stream alone."""
    parameters, second, formula = NAIVE[name]
    with torch.no_grad():
        prompt, keys, reference = embed(oracle, TEXT, 0)
        edits = [naive.Pai(0.8, (1, tiny.LAYERS))] if edited else []
        hidden: dict[int, list[int]] = {}
        blinkers = [
            naive.Watch(5, len(prompt), hidden, (1, 2)),
            naive.Hide(len(prompt), hidden, (2, tiny.LAYERS)),
        ][: 2 if name == "sid" else 0]
        mains: list[Tensor] = []

        def combine_and_note(main: Tensor, other: Tensor, step: int) -> Tensor:
            mains.append(main)
            return formula(main, other, step)

        tokens, expected = naive.contrasted(
            oracle[0], prompt, keys, reference, edits, second(oracle), combine_and_note, TOKENS, blinkers
        )
        plain, _ = naive.greedy(oracle[0], prompt, keys, reference, edits, TOKENS)
    row = tiny.row(tiny.pai(0.8)) if edited else tiny.row()
    result = tiny.run(
        engine, [tiny.sample(TEXT)], [row], tiny.pictures(1), tokens=TOKENS, contrast=parameters
    )

    got = torch.cat(logits)
    assert result.ids() == tokens
    assert result.summary is not None
    (proof,) = result.summary.contrasts
    assert (proof.row, proof.method, proof.second_stream, proof.steps) == (0, name, True, TOKENS)
    assert proof.overruled == sum(
        int(main.argmax()) != token for main, token in zip(mains, tokens, strict=True)
    )
    assert torch.equal(got.isfinite(), expected.isfinite())
    kept = expected.isfinite()
    difference = got - expected
    constant = torch.stack([step[mask].mean() for step, mask in zip(difference, kept, strict=True)])
    assert (difference - constant[:, None])[kept].abs().max() < 1e-4
    assert tokens != plain, "the contrast is meant to show"


def test_forks_that_contrast_the_first_token_only_write_something_else(
    engine: Engine, oracle: tuple[Any, Any]
) -> None:
    """The fault of public copies of VCD: the second stream goes on with the main one's cache."""
    with torch.no_grad():
        prompt, keys, reference = embed(oracle, TEXT, 0)

        def forked(main: Tensor, other: Tensor, step: int) -> Tensor:
            return naive_vcd(main, main if step > 0 else other, step)

        broken, _ = naive.contrasted(
            oracle[0], prompt, keys, reference, [], noisy_prompt(oracle), forked, TOKENS
        )
    result = tiny.run(
        engine, [tiny.sample(TEXT)], [tiny.row()], tiny.pictures(1), tokens=TOKENS, contrast=vcd()
    )
    assert result.ids()[0] == broken[0]
    assert result.ids() != broken
    assert result.summary is not None
    assert result.summary.contrasts[0].changed == TOKENS


@pytest.mark.parametrize("name", ["vcd", "m3id"])
def test_both_streams_follow_the_beams(name: str, engine: Engine, oracle: tuple[Any, Any]) -> None:
    """Beam search again, both streams of every hypothesis recomputed from the prompt."""
    parameters, second, formula = NAIVE[name]
    width = 3
    with torch.no_grad():
        prompt, keys, reference = embed(oracle, TEXT, 0)
        other = second(oracle)
        beams: list[tuple[float, list[int]]] = [(0.0, [])]
        for _ in range(TOKENS):
            longer = []
            for score, ids in beams:
                logits = naive.after(oracle[0], prompt, keys, reference, [], other, formula, ids)
                longer += [
                    (score + gain, [*ids, token])
                    for token, gain in enumerate(logits.log_softmax(dim=0).tolist())
                ]
            beams = sorted(longer, reverse=True)[:width]
    search = BeamParameters(
        max_new_tokens=TOKENS, num_beams=width, length_penalty=0.0, early_stopping=False, num_return=width
    )
    result = tiny.run(
        engine, [tiny.sample(TEXT)], [tiny.row()], tiny.pictures(1), search=search, contrast=parameters
    )
    answers = [result.ids(), *(answer.token_ids for answer in result.rows[0].alternatives)]
    assert answers == [ids for _, ids in beams]
    assert result.summary is not None
    (proof,) = result.summary.contrasts
    assert (proof.steps, proof.second_stream) == (TOKENS, True), "one step of all beams is one of the row"


def naive_dola(final: Tensor, early: dict[int, Tensor]) -> Tensor:
    log_final = final.log_softmax(dim=0)
    divergence = {}
    for layer in (0, 2):
        log_early = early[layer].log_softmax(dim=0)
        middle = (log_final.exp() + log_early.exp()) / 2
        parts = [torch.nn.functional.kl_div(one, middle, reduction="none") for one in (log_final, log_early)]
        divergence[layer] = float(parts[0].mean() + parts[1].mean())
    log_early = early[max(divergence, key=lambda layer: divergence[layer])].log_softmax(dim=0)
    return plausible(log_final - log_early, final, 0.1)


def naive_deco(final: Tensor, early: dict[int, Tensor]) -> Tensor:
    order = final.softmax(dim=0).argsort(descending=True).tolist()
    candidates: list[int] = []
    while len(candidates) < 20 and final.softmax(dim=0)[candidates].sum() < 0.9:
        candidates.append(order[len(candidates)])
    surest = max((float(early[layer].softmax(dim=0)[candidates].max()), layer) for layer in (1, 2, 3))
    kept = torch.full_like(final, -torch.inf)
    kept[candidates] = (final + 3 * surest[0] * early[surest[1]])[candidates]
    return kept


@pytest.mark.parametrize(("parameters", "formula"), [(dola(), naive_dola), (deco(alpha=3), naive_deco)])
def test_early_exits_equal_transformers_hidden_states(
    parameters: Any,
    formula: Callable[[Tensor, dict[int, Tensor]], Tensor],
    engine: Engine,
    oracle: tuple[Any, Any],
    logits: list[Tensor],
) -> None:
    """Without cache, all recomputed by transformers at every token; DeCo's exits pass the final norm."""
    model = oracle[0]
    weight, eps = (
        model.state_dict()["model.language_model.norm.weight"],
        model.config.text_config.rms_norm_eps,
    )
    tokens: list[int] = []
    expected, plain = [], []
    with torch.no_grad():
        prompt, _, _ = embed(oracle, TEXT, 0)
        for _ in range(TOKENS):
            written = model.get_input_embeddings()(torch.tensor(tokens, dtype=torch.long))
            output = model(inputs_embeds=torch.cat([prompt, written])[None], output_hidden_states=True)
            passed = torch.stack([states[0, -1] for states in output.hidden_states[:4]])
            if parameters.__struct_config__.tag == "deco":
                passed = naive.norm(passed, weight, eps)
            early = dict(enumerate(passed @ model.lm_head.weight.T))
            expected.append(formula(output.logits[0, -1], early))
            plain.append(int(output.logits[0, -1].argmax()))
            tokens.append(int(expected[-1].argmax()))
    result = tiny.run(
        engine, [tiny.sample(TEXT)], [tiny.row()], tiny.pictures(1), tokens=TOKENS, contrast=parameters
    )

    assert result.ids() == tokens
    assert tokens != plain, "it is meant to show"
    got = torch.cat(logits)
    kept = torch.stack(expected).isfinite()
    assert torch.equal(got.isfinite(), kept)
    assert (got - torch.stack(expected))[kept].abs().max() < 1e-4


NEUTRAL = [
    vcd(alpha=0, beta=0),
    apc(beta=0),
    m3id(decay=0, beta=0),
    pai_cfg(gamma=1),
    icd(alpha=0, beta=0),
    sid(alpha=0, beta=0),
    tiny.own_contrast("own_vcd", alpha=0, cut=False),
]


@pytest.mark.parametrize("neutral", NEUTRAL)
def test_neutral_parameters_are_plain_decoding_bit_for_bit(
    neutral: Any, engine: Engine, logits: list[Tensor]
) -> None:
    rows = [tiny.row(), tiny.row(tiny.aai(warmup=1))]
    plain = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1))
    contrasted = tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), contrast=neutral)
    assert [plain.ids(0), plain.ids(1)] == [contrasted.ids(0), contrasted.ids(1)]
    assert torch.equal(torch.stack(logits[:12]), torch.stack(logits[12:]))
    assert plain.summary is not None and contrasted.summary is not None
    assert plain.summary.contrasts == []
    proofs = [
        (proof.row, proof.steps, proof.changed, proof.overruled) for proof in contrasted.summary.contrasts
    ]
    assert proofs == [(0, 12, 0, 0), (1, 12, 0, 0)], "a contrast without effect is seen to have none"


def test_deco_without_correction_only_drops_tokens(engine: Engine, logits: list[Tensor]) -> None:
    """It has no neutral parameter: its candidates stay a choice."""
    plain = tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1))
    filtered = tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), contrast=deco(alpha=0))
    assert plain.ids() == filtered.ids()
    before, after = torch.stack(logits[:12]), torch.stack(logits[12:])
    assert torch.equal(before[after.isfinite()], after[after.isfinite()])


METHODS = {
    "vcd": vcd(),
    "apcOnly": apc(),
    "m3id": m3id(),
    "paiCfg": pai_cfg(),
    "icd": icd(),
    "dola": dola(),
    "deco": deco(),
    "sid": sid(),
    "plugin": tiny.own_contrast("own_m3id"),
}


@pytest.mark.parametrize("name", METHODS)
def test_attestation(name: str, engine: Engine) -> None:
    """Of every row that ran, in the order of the command, whenever it ended."""
    samples = [tiny.sample(), tiny.sample(image=1), tiny.sample(image=2)]
    arrays = [*tiny.pictures(1), tiny.frame(b"broken"), *tiny.pictures(1)]
    rows = [tiny.row(sample=2), tiny.row(sample=1), tiny.row(tiny.pai(), sample=0)]
    result = tiny.run(engine, samples, rows, arrays, tokens=5, contrast=METHODS[name])
    assert result.summary is not None
    proofs = result.summary.contrasts
    method = create_contrast(METHODS[name]).method
    assert [(proof.row, proof.method, proof.steps) for proof in proofs] == [(0, method, 5), (2, method, 5)]
    assert {proof.second_stream for proof in proofs} == {name not in ("apcOnly", "dola", "deco")}
    assert all(proof.steps >= proof.changed >= proof.overruled >= 0 for proof in proofs)
    assert any(proof.changed > 0 for proof in proofs)
    if name == "apcOnly":
        assert [proof.overruled for proof in proofs] == [0, 0], "it never touches the likeliest token"


def test_a_longer_second_prompt_ends_the_answer_with_the_context(engine: Engine) -> None:
    disturbance = "x" * 40
    samples = [tiny.sample("<image>" + "y" * (tiny.CONTEXT - tiny.IMAGE_TOKENS - 50))]
    result = tiny.run(
        engine, samples, [tiny.row()], tiny.pictures(1), tokens=60, contrast=icd(disturbance=disturbance)
    )
    assert len(result.ids()) == 50 - 41  # the disturbance and a space
    with pytest.raises(WorkerError, match="leaves no room for an answer"):
        tiny.run(engine, samples, [tiny.row()], tiny.pictures(1), contrast=icd(disturbance="x" * 49))


def test_the_disturbance_stands_before_the_question(engine: Engine) -> None:
    model = engine._find("m1").model
    prompts = []
    for template in ("plain", "raw"):
        text = "Who?" if template == "plain" else "<image> Who?"
        sample = Sample(image=0, prompt=Prompt(text=text, template=template))
        ids = create_contrast(icd())._ids(model, prepare_sample(model, sample, tiny.pictures(1)))  # type: ignore[attr-defined]
        prompts.append(model.tokenizer.decode([id for id in ids if id != model.image_token_id]))
    assert prompts == ["USER: \nBe confused. Who? ASSISTANT:", "Be confused.  Who?"]


@pytest.mark.parametrize("name", CONTRASTS)
def test_a_row_without_image(name: str, engine: Engine) -> None:
    parameters = METHODS[name]
    contrast = create_contrast(parameters)
    samples = [tiny.sample("Who?", image=None)]
    if not contrast.needs_image:
        assert tiny.run(engine, samples, [tiny.row()], [], contrast=parameters).ids()
        return
    with pytest.raises(WorkerError, match=f"{contrast.method} contrasts with a worse view of the image"):
        tiny.run(engine, samples, [tiny.row()], [], contrast=parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (vcd(noise_step=1000), "noiseStep is 1000; it may be 999 at most"),
        (vcd(alpha=math.nan), "vcd: alpha is nan; a finite number is needed"),
        (apc(beta=1.5), "apcOnly: beta is 1.5; it is a share"),
        (dola(relative_top=-0.1), "dola: relative_top is -0.1; it is a share"),
        (dola(layers=()), "dola: layers names none"),
        (dola(layers=(0, 4)), "dola: an early exit after 4 layers is none, as the decoder has 4"),
        (deco(layers=(2, 5)), "deco: an early exit after 4 layers is none"),
        (sid(layer=4), "sid: layer is 4; it may be 1 to 3"),
        (
            sid(keep=16),
            "sid: keep is 16, but the image has 16 tokens; some must be hidden, so it may be 1 to 15",
        ),
    ],
)
def test_parameters_that_cannot_be(parameters: Any, message: str, engine: Engine) -> None:
    with pytest.raises(WorkerError, match=message):
        tiny.run(engine, [tiny.sample()], [tiny.row()], tiny.pictures(1), contrast=parameters)


def test_nothing_is_left_of_the_prompt_without_the_image(engine: Engine) -> None:
    with pytest.raises(WorkerError, match="Without the image the prompt has 1 token"):
        tiny.run(engine, [tiny.sample("<image>a")], [tiny.row()], tiny.pictures(1), contrast=m3id())
