"""Pieces of text joined are the text of the whole, whatever the tokens are."""

from __future__ import annotations

import random

import pytest
import tiny
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from aai_worker.text.stream import TextStream

TEXTS = [
    "a plain one",
    "naïve café",
    "日本語 and 🐈‍⬛ and back",
    " leading",
    "trailing ",
    "",
    "��",
    "line\n\nbreak\t!",
]


@pytest.mark.parametrize("text", TEXTS)
def test_bytes(text: str) -> None:
    tokenizer = tiny.create_tokenizer()
    pieces = stream(tokenizer, tokenizer(text)["input_ids"])

    assert "".join(pieces) == text
    for index, piece in enumerate(pieces):  # nothing is held back that a reader could have read
        whole = text.encode()[: index + 1].decode(errors="ignore")
        assert "�" in text or "".join(pieces[: index + 1]) == whole, piece


@pytest.mark.parametrize("seed", range(20))
def test_any_bytes(seed: int) -> None:
    draw = random.Random(seed)
    tokenizer = tiny.create_tokenizer()
    ids = [draw.randrange(len(tokenizer)) for _ in range(50)]
    assert "".join(stream(tokenizer, ids)) == tokenizer.decode(ids, skip_special_tokens=True)


def test_llama_style_tokens() -> None:
    """The first token's leading space is dropped, later ones are kept; unknown characters are bytes."""
    words = ["<unk>", "<s>", "</s>", "▁a", "▁cat", "s", "▁", ".", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = Tokenizer(
        models.BPE(vocab={word: id for id, word in enumerate(words)}, merges=[], byte_fallback=True)
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    ids = [3, 4, 5, 6, *(words.index(f"<0x{byte:02X}>") for byte in "猫".encode()), 7, 4, 2]

    pieces = stream(fast, ids)
    assert pieces == ["a", " cat", "s", " ", "", "", "猫", ".", " cat", "", ""]
    assert "".join(pieces) == fast.decode(ids, skip_special_tokens=True)


def test_a_character_cut_off_by_the_end() -> None:
    tokenizer = tiny.create_tokenizer()
    ids = tokenizer("ab猫")["input_ids"][:-1]
    assert stream(tokenizer, ids) == ["a", "b", "", "", "�"]


STOPS = ("###", " ###", "\n###")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab###", ["a", "b", "", "", "", ""]),
        ("ab ###Human: c", ["a", "b", *[""] * 13]),
        ("a # b##", ["a", "", "", " #", " b", "", "", "##"]),
        ("a\n\n#1", ["a", "", "\n", "", "\n#1", ""]),
        ("####", ["", "", "", "", ""]),
    ],
)
def test_stop_texts(text: str, pieces: list[str]) -> None:
    """What may become one is held back; the first one ends the text."""
    tokenizer = tiny.create_tokenizer()
    assert stream(tokenizer, tokenizer(text)["input_ids"], STOPS) == pieces


def test_a_stop_token_is_no_part_of_the_text() -> None:
    tokenizer = tiny.create_tokenizer()
    for stops, text, expected in (((), "ab#", "ab"), (STOPS, "ab###", "ab"), (STOPS, "ab ##", "ab ##")):
        *before, last = tokenizer(text)["input_ids"]
        written = TextStream(tokenizer, stops)
        pieces = [written.push(id) for id in before] + [written.stop(last)]
        assert "".join(pieces) == written.text == expected == written.whole([*before, last], True)


def stream(tokenizer: PreTrainedTokenizerFast, ids: list[int], stop_texts: tuple[str, ...] = ()) -> list[str]:
    text = TextStream(tokenizer, stop_texts)
    pieces = [text.push(id) for id in ids]
    pieces.append(text.end())
    assert text.text == "".join(pieces)
    return pieces
