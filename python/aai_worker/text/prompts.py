"""A question -> the text that the tokenizer sees, with one `<image>` where the image goes."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any, NamedTuple

from jinja2 import TemplateError

from ..errors import WorkerError
from ..protocol import Prompt

PLACEHOLDER = "<image>"

_VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)


class Template(NamedTuple):
    """`image` is what stands in `{image}` where the prompt has one; nothing stands there otherwise."""

    text: str
    image: str


TEMPLATES = {
    # LLaVA's own evaluation code.
    "vicuna_v1": Template(_VICUNA + " USER: {image}{question} ASSISTANT:", "<image>\n"),
    # PAI's: no space before USER, a space instead of the newline after the image.
    "vicuna_pai": Template(_VICUNA + "USER: {image}{question} ASSISTANT:", "<image> "),
    # llava-hf's model cards.
    "plain": Template("USER: {image}{question} ASSISTANT:", "<image>\n"),
    # BLIP-2's model cards, its image before everything.
    "blip2": Template("{image}Question: {question} Answer:", "<image>"),
    # InstructBLIP's, whose Q-Former reads the same text.
    "instructblip": Template("{image}{question}", "<image>"),
    # MiniGPT-4's evaluation code, and PAI's.
    "minigpt4": Template("###Human:{image}{question} ###Assistant:", " <Img><image></Img> "),
    # MiniGPT-4's demo.
    "minigpt4_demo": Template(
        "Give the following image: <Img>ImageContent</Img>. You will be able to see the image once I provide "
        "it to you. Please answer my questions.###Human: {image}{question}###Assistant: ",
        "<Img><image></Img> ",
    ),
    # Shikra's own code.
    "shikra": Template(_VICUNA + " USER: {image}{question} ASSISTANT:", "<im_start><image><im_end> "),
    # PAI's: no space before USER.
    "shikra_pai": Template(_VICUNA + "USER: {image}{question} ASSISTANT:", "<im_start><image><im_end> "),
}


# Today, for chat templates that write it (Llama 3.2, Mistral Small): a question is the same tomorrow.
_DAY = date(2024, 7, 26)
_DATE = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")


def build_prompt(prompt: Prompt, has_image: bool, tokenizer: Any) -> str:
    """Exactly one `<image>` with an image, none without. `tokenizer` holds the chat template."""
    if not prompt.text.strip():
        raise WorkerError("bad-input", "The prompt is empty; give the question to ask about the image.")
    if prompt.template == "raw":
        return _raw(prompt.text, has_image)
    if PLACEHOLDER in prompt.text:
        raise WorkerError(
            "bad-input",
            f'The prompt holds {PLACEHOLDER}, but the template "{prompt.template}" places the image itself. '
            f'Take {PLACEHOLDER} out, or use the template "raw".',
        )
    if prompt.template == "chat":
        return _chat(prompt.text, has_image, tokenizer)
    template = TEMPLATES.get(prompt.template)
    if template is None:
        known = ", ".join(["chat", "raw", *TEMPLATES])
        raise WorkerError("bad-input", f'There is no prompt template "{prompt.template}"; known are {known}.')
    # Not str.format: a question may hold braces.
    text = template.text.replace("{image}", template.image if has_image else "")
    return text.replace("{question}", prompt.text)


def chat_template(name: str, image_token: str = PLACEHOLDER) -> str:
    """The named template as a chat template in Jinja, for one question: a checkpoint's own prompt."""
    before, rest = TEMPLATES[name].text.split("{image}")
    between, after = rest.split("{question}")
    pieces = [
        _literal(before),
        "{% for part in messages[-1]['content'] if part['type'] == 'image' %}",
        _literal(TEMPLATES[name].image.replace(PLACEHOLDER, image_token)),
        "{% endfor %}",
        _literal(between),
        "{% for part in messages[-1]['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}",
        _literal(after),
    ]
    return "".join(pieces)


def _literal(text: str) -> str:
    return "{{ " + json.dumps(text) + " }}" if text else ""


def _raw(text: str, has_image: bool) -> str:
    count = text.count(PLACEHOLDER)
    if count == int(has_image):
        return text
    if not has_image:
        raise WorkerError(
            "bad-input", f"The raw prompt holds {count} x {PLACEHOLDER}, but no image was given."
        )
    raise WorkerError(
        "bad-input",
        f"The raw prompt holds {count} x {PLACEHOLDER}, but exactly one is needed, where the image goes.",
    )


def _chat(question: str, has_image: bool, tokenizer: Any) -> str:
    if tokenizer.chat_template is None:
        known = ", ".join(["raw", *TEMPLATES])
        raise WorkerError(
            "bad-input", f"The checkpoint has no chat template; use one of the templates {known}."
        )
    content = [{"type": "image"}] if has_image else []
    content.append({"type": "text", "text": question})
    messages = [{"role": "user", "content": content}]
    template = _DATE.sub(lambda call: json.dumps(_DAY.strftime(call[2])), tokenizer.get_chat_template())
    try:
        return str(
            tokenizer.apply_chat_template(
                messages, chat_template=template, add_generation_prompt=True, tokenize=False
            )
        )
    except (TemplateError, TypeError) as error:
        raise WorkerError(
            "bad-checkpoint",
            f"The checkpoint's chat template fails ({error}); use one of the templates "
            f"{', '.join(['raw', *TEMPLATES])}.",
        ) from error
