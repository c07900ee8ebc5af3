"""Prompts: the text of every template, the ids that transformers' own processor would make of it."""

from __future__ import annotations

from typing import Any

import pytest
import tiny
from tokenizers.processors import TemplateProcessing

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.models import Model
from aai_worker.protocol import Prompt
from aai_worker.text.prompts import build_prompt

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)


@pytest.mark.parametrize(
    ("template", "with_image", "without"),
    [
        ("vicuna_v1", f"{SYSTEM} USER: <image>\nWhy? ASSISTANT:", f"{SYSTEM} USER: Why? ASSISTANT:"),
        ("vicuna_pai", f"{SYSTEM}USER: <image> Why? ASSISTANT:", f"{SYSTEM}USER: Why? ASSISTANT:"),
        ("plain", "USER: <image>\nWhy? ASSISTANT:", "USER: Why? ASSISTANT:"),
        ("chat", "USER: <image>\nWhy? ASSISTANT:", "USER: Why? ASSISTANT:"),
    ],
)
def test_templates(template: str, with_image: str, without: str, oracle: tuple[Any, Any]) -> None:
    prompt = Prompt(text="Why?", template=template)
    tokenizer = oracle[1].tokenizer
    tokenizer.chat_template = tiny.CHAT_TEMPLATE
    assert build_prompt(prompt, True, tokenizer) == with_image
    assert build_prompt(prompt, False, tokenizer) == without


def test_chat_is_the_processors_own(oracle: tuple[Any, Any], engine: Engine) -> None:
    content = [{"type": "image"}, {"type": "text", "text": "What {is} it?"}]
    expected = oracle[1].apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    tokenizer = engine._find("m1").model.tokenizer
    assert build_prompt(Prompt(text="What {is} it?", template="chat"), True, tokenizer) == expected


def test_a_question_with_braces() -> None:
    prompt = Prompt(text="{image} or {question}?", template="plain")
    assert build_prompt(prompt, True, None) == "USER: <image>\n{image} or {question}? ASSISTANT:"


@pytest.mark.parametrize(
    "text", ["USER: <image>\nWhat? ASSISTANT:", "<image>", "a<image>b", "<s> <image> c", "no image"]
)
def test_ids_are_those_of_the_processor(text: str, engine: Engine, oracle: tuple[Any, Any]) -> None:
    model: Model = engine._find("m1").model
    images = tiny.picture(0) if "<image>" in text else None
    pixels = None if images is None else model.preprocess(images)
    ids = model.tokenise(text, pixels)

    assert ids == oracle[1](text=text, images=images, return_tensors="pt")["input_ids"][0].tolist()
    assert len(model.image_positions(ids, pixels)) == (tiny.IMAGE_TOKENS if images else 0)


@pytest.mark.parametrize("text", ["USER: <image>\nWhat?", "<s>USER: <image>\nWhat?"])
def test_one_bos_and_no_more(text: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As LLaMA's tokenizer adds one, while a chat template may have written it already."""
    model: Model = engine._find("m1").model
    tokenizer = tiny.create_tokenizer()
    bos = ("<s>", tokenizer.bos_token_id)
    tokenizer._tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[bos])
    monkeypatch.setattr(model, "tokenizer", tokenizer)
    ids = model.tokenise(text, model.preprocess(tiny.picture(0)))
    assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.bos_token_id) == 1


@pytest.mark.parametrize(
    ("text", "template", "image", "message"),
    [
        ("", "chat", True, "The prompt is empty"),
        (" \n", "raw", True, "The prompt is empty"),
        ("What?", "raw", True, "The raw prompt holds 0 x <image>, but exactly one is needed"),
        ("<image><image>", "raw", True, "The raw prompt holds 2 x <image>, but exactly one is needed"),
        ("<image> what?", "raw", False, "The raw prompt holds 1 x <image>, but no image was given"),
        ("<image> what?", "plain", True, 'the template "plain" places the image itself'),
        (
            "What?",
            "vicuna",
            True,
            'no prompt template "vicuna"; known are chat, raw, vicuna_v1, vicuna_pai, plain, blip2',
        ),
    ],
)
def test_prompts_that_cannot_be(text: str, template: str, image: bool, message: str, engine: Engine) -> None:
    with pytest.raises(WorkerError) as caught:
        build_prompt(Prompt(text=text, template=template), image, engine._find("m1").model.tokenizer)
    assert caught.value.code == "bad-input"
    assert message in caught.value.message


def test_no_chat_template(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Model = engine._find("m1").model
    monkeypatch.setattr(model.tokenizer, "chat_template", None)
    with pytest.raises(WorkerError, match="no chat template; use one of the templates raw, vicuna_v1"):
        build_prompt(Prompt(text="Why?", template="chat"), True, model.tokenizer)
    assert "chat" not in model.describe().templates


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ raise_exception('no system message') }}", "chat template fails (no system message)"),
        ("{{ messages[0]['content'] + 'x' }}", "chat template fails (can only concatenate list"),
        ("{% for x in %}", "chat template fails ("),
    ],
)
def test_a_chat_template_that_fails(
    template: str, message: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = engine._find("m1").model.tokenizer
    monkeypatch.setattr(tokenizer, "chat_template", template)
    with pytest.raises(WorkerError) as caught:
        build_prompt(Prompt(text="Why?", template="chat"), True, tokenizer)
    assert message in caught.value.message


def test_a_question_is_the_same_tomorrow(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Llama 3.2's and Mistral Small's chat templates ask for the date."""
    tokenizer = engine._find("m1").model.tokenizer
    template = (
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ date_string }}, {{ strftime_now('%Y-%m-%d') }}: {{ messages[0]['content'][1]['text'] }}"
    )
    monkeypatch.setattr(tokenizer, "chat_template", template)
    prompt = build_prompt(Prompt(text="Why?", template="chat"), True, tokenizer)
    assert prompt == "26 Jul 2024, 2024-07-26: Why?"
