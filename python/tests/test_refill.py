"""Rows of one command come and go: no batch size, neighbour or end of memory changes an answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import tiny
import torch
from test_matrix import EDITS, SEARCH_PARAMETERS, STREAMS

from aai_worker.contrast import CONTRASTS, create_contrast
from aai_worker.engine import Engine
from aai_worker.errors import WorkerError

pytestmark = pytest.mark.slow

SAMPLES = [
    tiny.sample("<image>\nWhat?", image=0),
    tiny.sample("Look: <image>\nPlease describe this image.", image=1),
    tiny.sample("Who are you, and what are you for?", image=None),
    tiny.sample("<image>\nIs there a dog?", image=2),
]
IMAGES = (0, 1, 3)  # the samples that have one


@pytest.fixture
def stops(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several stop tokens, so that rows end at different times."""
    monkeypatch.setattr(engine._find("m1").model, "stop_ids", frozenset(range(60, 75)))


def mixed_rows() -> list[Any]:
    """Every attention edit, every contrast and every search, but not every combination."""
    rows = []
    for number, sample in enumerate([*IMAGES] * 9):
        edit = list(EDITS.values())[number % len(EDITS)]
        contrast = list(STREAMS.values())[number % 3]
        rows.append(
            tiny.row(
                *edit, sample=sample, search=list(SEARCH_PARAMETERS.values())[number % 4], contrast=contrast
            )
        )
    return [*rows, tiny.row(sample=2, search=SEARCH_PARAMETERS["greedy"])]


def ids_of(result: tiny.Run, count: int) -> list[list[int]]:
    return [result.ids(number) for number in range(count)]


@pytest.mark.parametrize("search", SEARCH_PARAMETERS)
def test_the_batch_size_changes_no_answer(search: str, engine: Engine, stops: None) -> None:
    rows = [tiny.row(*edit, sample=sample) for edit in EDITS.values() for sample in IMAGES]
    rows.append(tiny.row(sample=2))
    answers = [
        ids_of(
            tiny.run(
                engine, SAMPLES, rows, tiny.pictures(3), search=SEARCH_PARAMETERS[search], batch_size=size
            ),
            len(rows),
        )
        for size in (1, 4, 7, 1000)
    ]
    assert answers[1:] == [answers[0]] * 3
    assert len({len(ids) for ids in answers[0]}) > 3, "rows are meant to end at different times"


def test_rows_of_one_command_may_differ_in_everything(engine: Engine, stops: None) -> None:
    rows = mixed_rows()
    together = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), batch_size=30)
    for number, row in enumerate(rows):
        assert together.ids(number) == tiny.run(engine, SAMPLES, [row], tiny.pictures(3)).ids()
        tokens = together.tokens[number]
        assert [token.id for token in tokens] == together.ids(number)
        assert "".join(token.text for token in tokens) == together.rows[number].text
    assert together.summary is not None
    assert [proof.row for proof in together.summary.attestation] == sorted(
        number for number, row in enumerate(rows) for _ in row.attention
    )
    assert [(proof.row, proof.method) for proof in together.summary.contrasts] == [
        (number, create_contrast(row.contrast).method)
        for number, row in enumerate(rows)
        if row.contrast is not None
    ]
    attested = [together.attested[number] for number in sorted(together.attested)]
    assert [proof for event in attested for proof in event.edits] == together.summary.attestation
    assert [event.contrast for event in attested if event.contrast is not None] == together.summary.contrasts
    plain = {number for number, row in enumerate(rows) if not row.attention and row.contrast is None}
    assert together.attested.keys() == set(range(len(rows))) - plain and plain


def test_each_image_is_seen_once_and_each_prompt_prefilled_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = engine._find("m1").model
    seen: Counter[str] = Counter()
    encode_image, prefill = model.encode_image, model.prefill

    def counted_encode_image(*arguments: Any) -> Any:
        seen["images"] += 1
        return encode_image(*arguments)

    def counted_prefill(prompts: Any, step: Any) -> Any:
        seen["prompts"] += len(prompts)
        return prefill(prompts, step)

    monkeypatch.setattr(model, "encode_image", counted_encode_image)
    monkeypatch.setattr(model, "prefill", counted_prefill)
    searches = [SEARCH_PARAMETERS["greedy"], SEARCH_PARAMETERS["beam"], SEARCH_PARAMETERS["opera"]]
    rows = [
        tiny.row(tiny.aai(alpha), sample=sample, search=search)
        for sample in IMAGES
        for alpha in (0.1, 0.2, 0.4)
        for search in searches
    ]
    result = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), batch_size=5)

    assert seen == {"images": 3, "prompts": 3}
    described = [row.row for event in result.prefilled for row in event.rows]
    assert sorted(described) == list(range(len(rows)))


def test_windows_of_samples_change_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = mixed_rows()
    whole = tiny.run(engine, SAMPLES, rows, tiny.pictures(3))
    monkeypatch.setattr("aai_worker.decoding.generate._HELD_TOKENS", 40)
    assert ids_of(tiny.run(engine, SAMPLES, rows, tiny.pictures(3)), len(rows)) == ids_of(whole, len(rows))


def limit_memory(engine: Engine, monkeypatch: pytest.MonkeyPatch, rows: int) -> list[int]:
    """Steps of more rows fail half way through the decoder; returns the sizes of those that went through."""
    sizes: list[int] = []
    model = engine._find("m1").model
    layer = model.network.model.language_model.layers[2]
    forward = model.forward

    def check(_: Any, inputs: Any, keywords: Any) -> None:
        hidden = inputs[0] if inputs else keywords["hidden_states"]
        if hidden.shape[1] == 1 and len(hidden) > rows:
            raise torch.OutOfMemoryError("tried to allocate 1 GiB")

    def noted(embedded: torch.Tensor, *arguments: Any) -> Any:
        logits = forward(embedded, *arguments)
        sizes.append(len(embedded))
        return logits

    monkeypatch.setattr(model, "forward", noted)
    # `register_forward_pre_hook`, but for monkeypatch to undo
    monkeypatch.setattr(layer, "_forward_pre_hooks", {0: check})
    monkeypatch.setattr(layer, "_forward_pre_hooks_with_kwargs", {0: True})
    return sizes


@pytest.mark.parametrize("search", SEARCH_PARAMETERS)
@pytest.mark.parametrize("contrast", ["none", "vcd"])
def test_out_of_memory_halves_the_batch_and_loses_nothing(
    search: str, contrast: str, engine: Engine, stops: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [tiny.row(*edit, sample=sample) for edit in EDITS.values() for sample in IMAGES]
    options: dict[str, Any] = {"search": SEARCH_PARAMETERS[search], "contrast": STREAMS[contrast]}
    expected = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), **options)
    sizes = limit_memory(engine, monkeypatch, rows=13)
    result = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), **options)

    assert 0 < max(sizes) <= 13
    assert ids_of(result, len(rows)) == ids_of(expected, len(rows))
    for number in range(len(rows)):
        assert result.tokens[number] == expected.tokens[number], "no token is sent twice"
    assert result.summary is not None and expected.summary is not None
    assert result.summary.attestation == expected.summary.attestation
    assert result.summary.contrasts == expected.summary.contrasts
    assert result.attested == expected.attested
    assert len(result.summary.contrasts) == (0 if contrast == "none" else len(rows))


def test_prompts_that_do_not_fit_together_are_prefilled_by_halves(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = engine._find("m1").model
    prefill = model.prefill
    sizes = []

    def limited(prompts: Any, step: Any) -> Any:
        if len(prompts) > 2:
            raise RuntimeError("CUDA out of memory")
        sizes.append(len(prompts))
        return prefill(prompts, step)

    samples = [tiny.sample(f"<image>\nWhat is {letter}?", image=0) for letter in "abcde"]
    rows = [tiny.row(sample=number) for number in range(5)]
    expected = tiny.run(engine, samples, rows, tiny.pictures(1))
    monkeypatch.setattr(model, "prefill", limited)
    result = tiny.run(engine, samples, rows, tiny.pictures(1))

    assert ids_of(result, 5) == ids_of(expected, 5)
    assert sizes == [2, 1, 2]


def test_captured_attention_comes_once_when_memory_ends(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [tiny.row(tiny.aai(), sample=sample) for sample in IMAGES] * 3
    policy = tiny.capture(layers=[1], heads="mean", keys="image")
    expected = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), capture=policy)
    limit_memory(engine, monkeypatch, rows=5)
    result = tiny.run(engine, SAMPLES, rows, tiny.pictures(3), capture=policy)
    for number in range(len(rows)):
        assert [event.body for event in result.attention[number]] == [
            event.body for event in expected.attention[number]
        ]
        for mine, theirs in zip(result.attention[number], expected.attention[number], strict=True):
            assert abs(mine.weights - theirs.weights).max() < 1e-6


def test_where_not_even_one_row_fits_a_sentence_says_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_memory(engine, monkeypatch, rows=0)
    with pytest.raises(WorkerError, match=r"Out of memory .*: generate fewer rows at once"):
        tiny.run(engine, SAMPLES, [tiny.row(), tiny.row()], tiny.pictures(3))


def test_all_contrasts_are_at_hand_for_the_mixture() -> None:
    assert set(STREAMS) == {"none", *CONTRASTS}
