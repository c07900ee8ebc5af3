"""Captured attention equals transformers' own `output_attentions`, cut as the policy says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor

from aai_worker.attention import KeyLayout
from aai_worker.engine import Engine
from aai_worker.inputs.prepare import KeyPositions
from aai_worker.observe.capture import RowCapture, clean_word

QUESTIONS = ["<image>\nWhat?", "Look: <image>\nPlease describe this image in detail."]
SAMPLES = [tiny.sample(text, image=index) for index, text in enumerate(QUESTIONS)]
ROWS = [tiny.row(sample=0), tiny.row(sample=1)]
TOKENS = 6


@pytest.fixture(scope="module")
def expected(shared_engine: Engine, oracle: tuple[Any, Any]) -> list[list[np.ndarray]]:
    """By row and step: [layer, head, key] of the query that chose the token, from one full forward pass."""
    model, processor = oracle
    result = tiny.run(shared_engine, SAMPLES, ROWS, tiny.pictures(2), tokens=TOKENS)
    rows = []
    for row, text in enumerate(QUESTIONS):
        inputs = processor(text=text, images=tiny.picture(row), return_tensors="pt")
        length = inputs["input_ids"].shape[1]
        inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([result.ids(row)[:-1]])], dim=1)
        inputs.pop("attention_mask")
        with torch.no_grad():
            weights = torch.stack(model(**inputs, output_attentions=True).attentions)[
                :, 0
            ]  # [layer, H, L, L]
        rows.append(
            [weights[:, :, query, : query + 1].numpy() for query in range(length - 1, length - 1 + TOKENS)]
        )
    return rows


def test_all_layers_heads_and_keys(engine: Engine, expected: list[list[np.ndarray]]) -> None:
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(2), tokens=TOKENS, capture=tiny.capture())

    for row in range(2):
        assert [event.body.step for event in result.attention[row]] == list(range(TOKENS))
        for event, weights in zip(result.attention[row], expected[row], strict=True):
            assert event.body.layers == [0, 1, 2, 3]
            assert event.body.word is None
            assert event.weights.dtype == np.float32
            assert event.weights.shape == weights.shape
            assert np.abs(event.weights - weights).max() < 1e-5


def test_chosen_layers_heads_and_image_keys(engine: Engine, expected: list[list[np.ndarray]]) -> None:
    policy = tiny.capture(layers=[3, 1], heads="chosen", chosen=(2, 0), keys="image", dtype="float16")
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(2), tokens=TOKENS, capture=policy)

    starts = [prefix.key_ranges[0][0] for prefix in result.prefilled[0].rows]
    for row in range(2):
        image = slice(starts[row], starts[row] + tiny.IMAGE_TOKENS)
        for event, weights in zip(result.attention[row], expected[row], strict=True):
            assert event.body.layers == [3, 1]
            assert event.weights.dtype == np.float16
            assert np.abs(event.weights - weights[[3, 1]][:, [2, 0]][:, :, image]).max() < 1e-3


def test_mean_over_heads(engine: Engine, expected: list[list[np.ndarray]]) -> None:
    policy = tiny.capture(layers=[2], heads="mean")
    result = tiny.run(engine, SAMPLES, ROWS, tiny.pictures(2), tokens=TOKENS, capture=policy)

    for row in range(2):
        for event, weights in zip(result.attention[row], expected[row], strict=True):
            assert event.weights.shape == (1, 1, weights.shape[-1])
            assert np.abs(event.weights[0, 0] - weights[2].mean(axis=0)).max() < 1e-5


def test_capture_changes_nothing(engine: Engine, logits: list[Tensor]) -> None:
    rows = [tiny.row(), tiny.row(tiny.aai(layers=(1, 3)))]
    for policy in (None, tiny.capture()):
        tiny.run(engine, [tiny.sample()], rows, tiny.pictures(1), capture=policy)

    assert torch.equal(torch.stack(logits[:12]), torch.stack(logits[12:]))


def test_an_edit_shows_in_the_captured_weights(engine: Engine) -> None:
    """alpha 0, beta 0: all image logits are 0, so all image keys weigh the same."""
    edit = tiny.aai(alpha=0, beta=0, layers=(2, 3), warmup=1)
    policy = tiny.capture(keys="image")
    result = tiny.run(engine, [tiny.sample()], [tiny.row(edit)], tiny.pictures(1), tokens=4, capture=policy)

    for event in result.attention[0]:
        spread = np.ptp(event.weights, axis=-1).max(axis=-1)  # by layer
        assert (spread[2] < 1e-7) == (event.body.step > 1)
        assert spread[1] > 1e-3 and spread[3] > 1e-3


def test_only_the_tokens_of_chosen_words() -> None:
    policy = tiny.capture(words=["Cat", "a"], heads="mean")
    row = RowCapture(
        policy, layers=list(range(tiny.LAYERS)), row=7, positions=KeyPositions([], shared=0, own=True)
    )
    tokens = ["A", " c", "at", ",", " cats", " \n", "the ", "cat", "\nand", " a", ""]
    sent = []
    for step, text in enumerate(tokens):
        weights = np.full((4, 1, 12), step, dtype=np.float32)
        sent.append(row.push(step, weights, KeyLayout(0), text, last=step == len(tokens) - 1))

    # A word is complete, and its steps are sent, when whitespace or the end follows.
    found = [
        [(event.body.step, event.body.word, int(event.weights[0, 0, 0])) for event in events]
        for events in sent
    ]
    assert found[1] == [(0, "a", 0)]
    assert found[4] == [(1, "cat", 1), (2, "cat", 2), (3, "cat", 3)]
    assert found[8] == [(7, "cat", 7)]
    assert found[10] == [(9, "a", 9)]
    assert all(not found[step] for step in (0, 2, 3, 5, 6, 7, 9))


def test_words_over_a_whole_generation(engine: Engine) -> None:
    """Against the finished text: the steps of a word are those whose bytes lie in it."""
    prompt = [tiny.sample()]
    plain = tiny.run(engine, prompt, [tiny.row()], tiny.pictures(1), tokens=40)
    words = {clean_word(word) for word in plain.rows[0].text.split()}
    chosen = sorted(word for word in words if word)[0]
    policy = tiny.capture(layers=[0], words=[chosen.upper()], heads="mean")
    result = tiny.run(engine, prompt, [tiny.row()], tiny.pictures(1), tokens=40, capture=policy)

    events = result.attention[0]
    assert events and {event.body.word for event in events} == {chosen}
    text = "".join(plain.tokens[0][event.body.step].text for event in events)
    assert chosen in text.lower()


@pytest.mark.parametrize(
    ("word", "clean"), [("Dog,", "dog"), ('"Hot-dog"', "hot-dog"), ("...", ""), ("it's", "it's")]
)
def test_clean_word(word: str, clean: str) -> None:
    assert clean_word(word) == clean
