"""One tiny checkpoint after the other: the worker's engine, transformers' own model, and how to ask both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import families
import numpy as np
import pytest
import tiny
import torch
from families import CROSS, FAMILIES, VARIANTS
from PIL import Image
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForImageTextToText
from transformers.masking_utils import eager_mask

from aai_worker.engine import Engine
from aai_worker.models import Model
from aai_worker.protocol import ExtractVisionCommand, VisionReference

QUESTION = "What is it?"
SIZES = [(40, 24), (20, 52)]  # width, height
TOKENS = 8


class Case(NamedTuple):
    name: str
    engine: Engine
    oracle: Any  # transformers' own model, under "naive" attention
    tokenizer: Any
    processor: Any
    folder: Path

    @property
    def family(self) -> families.Family:
        return {**FAMILIES, **VARIANTS}[self.name]

    @property
    def model(self) -> Model:
        return self.engine._find("m1").model

    def inputs(self, image: int, text: str = QUESTION) -> dict[str, Tensor]:
        """What transformers' `generate` takes, made without any of the worker's code."""
        made = dict(self.processor(picture(image), return_tensors="pt", **self.family.options))
        expanded = self.family.expand(made, self.oracle.config)
        prompt = f"USER: {expanded}{text} ASSISTANT:"
        ids = self.tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
        types = self.family.types(ids == self.oracle.config.image_token_id, made)
        return {"input_ids": ids, **types, **{name: made[name] for name in VISION if name in made}}


class Edit(NamedTuple):
    alpha: float
    beta: float
    layers: tuple[int, int]
    warmup: int


class Vaf(NamedTuple):
    enhance: float
    suppress: float
    layers: tuple[int, int]


class Sid(NamedTuple):
    """The second stream alone."""

    keep: int
    layer: int


class Naive:
    """Eager attention, edited: AAI acts from the end of the prompt on, VAF behind the image."""

    def __init__(self) -> None:
        self.edit: Edit | Vaf | Sid | None = None
        self.hidden: dict[int, list[int]] = {}  # image keys that SID hides from a query, by its position
        self.prompt = 0  # tokens of it
        self.length = 0  # tokens by now
        self.layers: Sequence[int] = range(families.LAYERS)  # with image keys
        self.keys: list[int] = []
        self.before = 0  # so many keys stand before the image
        self.image_end = 0  # position of the image's last token in the prompt
        self.r = torch.empty(0)
        self.vision: dict[int, list[Tensor]] = {}  # by id of the module: maps [H, N, N]

    def __call__(
        self,
        module: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None = None,
        softcap: float | None = None,
        **_: Any,
    ) -> tuple[Tensor, Tensor]:
        groups = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        layer = getattr(module, "layer_idx", None)
        if isinstance(self.edit, Vaf) and layer in self.layers:
            self._vaf(self.edit, layer, scores)
        elif isinstance(self.edit, Edit) and layer in self.layers:
            alpha, beta, (start, end), warmup = self.edit
            for query_index in range(scores.shape[2]):
                step = self.length - scores.shape[2] + query_index - self.prompt + 1
                if step > warmup and step >= 0 and start <= layer < end:
                    x = scores[:, :, query_index, self.keys]
                    scores[:, :, query_index, self.keys] = alpha * x.abs() * self.r + beta * x
        if attention_mask is not None:
            scores = scores + attention_mask[..., : scores.shape[-1]]
        if isinstance(self.edit, Sid) and layer is not None and layer >= self.edit.layer:
            for index in range(scores.shape[2]):
                position = self.length - scores.shape[2] + index
                scores[:, :, index, self.hidden[max(position, self.prompt - 1)]] = -torch.inf
        weights = torch.softmax(scores, dim=-1)
        if isinstance(self.edit, Sid) and layer == self.edit.layer - 1:
            for index, received in enumerate(weights[0].mean(dim=0)):
                order = sorted(self.keys, key=lambda key: received[key])
                self.hidden[self.length - scores.shape[2] + index] = order[self.edit.keep :]
        if layer is None:
            self.vision.setdefault(id(module), []).extend(weights)
        return (weights @ value).transpose(1, 2).contiguous(), weights

    def _vaf(self, edit: Vaf, layer: int, scores: Tensor) -> None:
        """`scores` [1, Hq, Q, K], in place."""
        for query in range(scores.shape[2]):
            if (
                edit.layers[0] <= layer < edit.layers[1]
                and self.length - scores.shape[2] + query > self.image_end
            ):
                scores[:, :, query, self.keys] *= edit.enhance
                scores[:, :, query, : self.before] *= edit.suppress


VISION = (
    "pixel_values",
    "image_grid_thw",
    "image_sizes",
    "pixel_attention_mask",
    "aspect_ratio_ids",
    "aspect_ratio_mask",
)
NAIVE = Naive()
AttentionInterface.register("naive", NAIVE)
AttentionMaskInterface.register("naive", eager_mask)


def picture(index: int) -> Image.Image:
    return tiny.picture(index, *SIZES[index])


def arrays() -> list[np.ndarray]:
    return [tiny.frame(tiny.encode(picture(index))) for index in range(2)]


SAMPLES = [tiny.sample(QUESTION, image=index, template="chat") for index in range(2)]


@pytest.fixture(scope="session", params=[*FAMILIES, *VARIANTS])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    family = {**FAMILIES, **VARIANTS}[request.param]
    folder = families.save(family, tmp_path_factory.mktemp(request.param))
    return load(request.param, folder)


def load(name: str, folder: Path) -> Case:
    oracle = AutoModelForImageTextToText.from_pretrained(folder).eval()
    oracle.set_attn_implementation("naive")
    engine = tiny.load(folder)
    model = engine._find("m1").model
    return Case(name, engine, oracle, model.tokenizer, model.image_processor, folder)


@torch.inference_mode()
def generated(case: Case, image: int, **settings: Any) -> list[int]:
    NAIVE.edit = None
    inputs = case.inputs(image)
    output = case.oracle.generate(**inputs, max_new_tokens=TOKENS, do_sample=False, **settings)
    return output[0, inputs["input_ids"].shape[1] :].tolist()


@torch.inference_mode()
def recomputed(case: Case, image: int, edit: Edit | Vaf | Sid, r: Tensor) -> tuple[list[int], Tensor]:
    """All tokens again at every step, without a cache: the answer and its logits [TOKENS, V]."""
    if case.family.after:
        return continued(case, image, edit, r)
    inputs = case.inputs(image)
    install(case, image, edit, r)
    logits = []
    try:
        for _ in range(TOKENS):
            NAIVE.length = inputs["input_ids"].shape[1]
            logits.append(case.oracle(**inputs, use_cache=False).logits[0, -1])
            for name, filler in (
                ("input_ids", int(logits[-1].argmax())),
                ("mm_token_type_ids", 0),
                ("token_type_ids", case.family.after),
            ):
                if name in inputs:
                    inputs[name] = torch.nn.functional.pad(inputs[name], (0, 1), value=filler)
            if "cross_attention_mask" in inputs:
                mask = inputs["cross_attention_mask"]
                inputs["cross_attention_mask"] = torch.cat([mask, mask[:, -1:]], dim=1)
    finally:
        NAIVE.edit = None
    return [int(one.argmax()) for one in logits], torch.stack(logits)


def install(case: Case, image: int, edit: Edit | Vaf | Sid, r: Tensor) -> None:
    ids = case.inputs(image)["input_ids"][0]
    NAIVE.keys, NAIVE.layers = patch_positions(case, image), case.model.image_layers
    NAIVE.before = 0 if case.name in CROSS else NAIVE.keys[0]
    marks = (ids == case.oracle.config.image_token_id).nonzero().flatten().tolist()
    NAIVE.image_end = marks[0] if case.name in CROSS else NAIVE.keys[-1]
    NAIVE.edit, NAIVE.prompt, NAIVE.length, NAIVE.r = edit, len(ids), len(ids), r


def continued(case: Case, image: int, edit: Edit | Vaf | Sid, r: Tensor) -> tuple[list[int], Tensor]:
    """Where prompt tokens see the last one, AAI's edit of it is not for them: it is fed once more, edited."""
    inputs = case.inputs(image)
    if not isinstance(edit, Edit):
        install(case, image, edit, r)
    cache = case.oracle(**inputs, use_cache=True).past_key_values
    cache.crop(-1)
    fed, length = inputs["input_ids"][:, -1:], inputs["input_ids"].shape[1]
    install(case, image, edit, r)
    logits = []
    try:
        for step in range(TOKENS):
            NAIVE.length = length + step
            places = torch.tensor([[length + step]])  # this family counts from 1
            output = case.oracle(fed, past_key_values=cache, position_ids=places, use_cache=True)
            logits.append(output.logits[0, -1])
            fed = logits[-1].argmax()[None, None]
    finally:
        NAIVE.edit = None
    return [int(one.argmax()) for one in logits], torch.stack(logits)


def patch_positions(case: Case, image: int) -> list[int]:
    """Image tokens whose feature is no newline, in the prompt; where there are cross layers, in those."""
    if case.name in CROSS:
        return tile_positions(case, image)
    ids = case.inputs(image)["input_ids"][0]
    positions = (ids == case.oracle.config.image_token_id).nonzero().flatten()
    newline = getattr(case.oracle.model, "image_newline", None)
    if newline is None:
        return positions.tolist()
    features = case.oracle.get_image_features(**vision_inputs(case, image), return_dict=True).pooler_output[0]
    return positions[(features != newline).any(dim=1)].tolist()


def tile_positions(case: Case, image: int, tokens: int = 17) -> list[int]:
    """Of every patch, row by row over all tiles: these, of CLS and 4 x 4, come one after the other."""
    ratio = case.inputs(image)["aspect_ratio_ids"][0, 0]
    rows, columns = case.oracle.config.vision_config.supported_aspect_ratios[ratio - 1]
    positions = []
    for row in range(4 * rows):
        for column in range(4 * columns):
            tile = row // 4 * columns + column // 4
            positions.append(tile * tokens + 1 + row % 4 * 4 + column % 4)
    return positions


def vision_inputs(case: Case, image: int) -> dict[str, Tensor]:
    return {name: value for name, value in case.inputs(image).items() if name in VISION}


def reference(case: Case, image: int, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, tokens, grid, seen = extract(case, image, mode)
    return tokens, grid, seen


def extract(case: Case, image: int, mode: str) -> tuple[VisionReference, np.ndarray, np.ndarray, np.ndarray]:
    command = ExtractVisionCommand(model="m1", image=image, mode=mode)  # type: ignore[arg-type]
    return case.engine.extract_vision(command, arrays())
