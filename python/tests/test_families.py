"""Every family, on a tiny checkpoint, against transformers and against recomputing all at every step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import families
import msgspec
import numpy as np
import pytest
import tiny
import torch
from families import FAMILIES, VARIANTS
from PIL import Image
from test_contrast import METHODS
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForImageTextToText
from transformers.masking_utils import eager_mask
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from aai_worker.contrast.vcd import add_noise
from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.families import REFUSED, SUPPORTED
from aai_worker.inspection import inspect_checkpoint
from aai_worker.models import FAMILIES as ADAPTERS
from aai_worker.models import Model
from aai_worker.protocol import BeamParameters, ExtractVisionCommand, VisionReference

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
        types = self.family.types(ids == self.oracle.config.image_token_id)
        return {"input_ids": ids, **types, **{name: made[name] for name in VISION if name in made}}


class Edit(NamedTuple):
    alpha: float
    beta: float
    layers: tuple[int, int]
    warmup: int


class Naive:
    """Eager attention; queries from the end of the prompt on are edited by AAI, layer by layer."""

    def __init__(self) -> None:
        self.edit: Edit | None = None
        self.prompt = 0
        self.keys: list[int] = []
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
        if self.edit is not None and layer is not None:
            alpha, beta, (start, end), warmup = self.edit
            for query_index in range(scores.shape[2]):
                step = scores.shape[3] - scores.shape[2] + query_index - self.prompt + 1
                if step > warmup and step >= 0 and start <= layer < end:
                    x = scores[:, :, query_index, self.keys]
                    scores[:, :, query_index, self.keys] = alpha * x.abs() * self.r + beta * x
        if attention_mask is not None:
            scores = scores + attention_mask[..., : scores.shape[-1]]
        weights = torch.softmax(scores, dim=-1)
        if layer is None:
            self.vision.setdefault(id(module), []).extend(weights)
        return (weights @ value).transpose(1, 2).contiguous(), weights


VISION = ("pixel_values", "image_grid_thw", "image_sizes", "pixel_attention_mask")
NAIVE = Naive()
AttentionInterface.register("naive", NAIVE)
AttentionMaskInterface.register("naive", eager_mask)


def picture(index: int) -> Image.Image:
    return tiny.picture(index, *SIZES[index])


def arrays() -> list[np.ndarray]:
    return [tiny.frame(tiny.encode(picture(index))) for index in range(2)]


SAMPLES = [tiny.sample(QUESTION, image=index, template="chat") for index in range(2)]


@pytest.fixture(scope="module", params=[*FAMILIES, *VARIANTS])
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
def recomputed(case: Case, image: int, edit: Edit, r: Tensor) -> tuple[list[int], Tensor]:
    """All tokens again at every step, without a cache: the answer and its logits [TOKENS, V]."""
    if case.family.after:
        return continued(case, image, edit, r)
    inputs = case.inputs(image)
    NAIVE.edit, NAIVE.prompt, NAIVE.r = edit, inputs["input_ids"].shape[1], r
    NAIVE.keys = patch_positions(case, image)
    logits = []
    try:
        for _ in range(TOKENS):
            logits.append(case.oracle(**inputs, use_cache=False).logits[0, -1])
            for name, filler in (
                ("input_ids", int(logits[-1].argmax())),
                ("mm_token_type_ids", 0),
                ("token_type_ids", case.family.after),
            ):
                if name in inputs:
                    inputs[name] = torch.nn.functional.pad(inputs[name], (0, 1), value=filler)
    finally:
        NAIVE.edit = None
    return [int(one.argmax()) for one in logits], torch.stack(logits)


def continued(case: Case, image: int, edit: Edit, r: Tensor) -> tuple[list[int], Tensor]:
    """Where prompt tokens see the last one, its edited keys are not for them: it is fed once more, edited."""
    inputs = case.inputs(image)
    cache = case.oracle(**inputs, use_cache=True).past_key_values
    cache.crop(-1)
    fed, length = inputs["input_ids"][:, -1:], inputs["input_ids"].shape[1]
    NAIVE.edit, NAIVE.prompt, NAIVE.r = edit, length, r
    NAIVE.keys = patch_positions(case, image)
    logits = []
    try:
        for step in range(TOKENS):
            places = torch.tensor([[length + step]])  # this family counts from 1
            output = case.oracle(fed, past_key_values=cache, position_ids=places, use_cache=True)
            logits.append(output.logits[0, -1])
            fed = logits[-1].argmax()[None, None]
    finally:
        NAIVE.edit = None
    return [int(one.argmax()) for one in logits], torch.stack(logits)


def patch_positions(case: Case, image: int) -> list[int]:
    """Image tokens whose feature is no newline, in the prompt."""
    ids = case.inputs(image)["input_ids"][0]
    positions = (ids == case.oracle.config.image_token_id).nonzero().flatten()
    newline = getattr(case.oracle.model, "image_newline", None)
    if newline is None:
        return positions.tolist()
    features = case.oracle.get_image_features(**vision_inputs(case, image), return_dict=True).pooler_output[0]
    return positions[(features != newline).any(dim=1)].tolist()


# With tests of their own.
OTHERS = {"llava", "blip-2", "instructblip", "minigpt4", "shikra"}


def test_every_family_has_a_case_and_is_documented() -> None:
    assert set(FAMILIES) == set(ADAPTERS) - OTHERS
    assert list(SUPPORTED) == list(ADAPTERS)
    assert not set(SUPPORTED) & set(REFUSED)
    assert set(REFUSED) <= set(CONFIG_MAPPING_NAMES), "names that transformers knows"


@pytest.mark.parametrize("model_type", [*REFUSED, "kosmos-2"])
def test_a_family_without_an_adapter(model_type: str, tmp_path: Path) -> None:
    """A sentence that says why, or what an adapter would need."""
    settings = {"model_type": model_type, "vision_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(WorkerError) as caught:
        tiny.load(tmp_path)
    assert caught.value.code == "unknown-model"
    assert f'Model type "{model_type}" is not supported' in caught.value.message
    assert REFUSED.get(model_type, "An adapter tells") in caught.value.message
    assert "llava, llava_next" in caught.value.message


def test_greedy_and_beams_equal_transformers(case: Case) -> None:
    """Two images of different sizes, with their numbers of image tokens, in one batch."""
    rows = [tiny.row(sample=0), tiny.row(sample=1)]
    greedy = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=TOKENS)
    expected = [generated(case, image) for image in range(2)]
    assert [greedy.ids(row) for row in range(2)] == expected
    assert len({*expected[0], *expected[1]}) > 1, "a model that says one thing proves nothing"
    lengths = {len(case.inputs(image)["input_ids"][0]) for image in range(2)}
    assert len(lengths) == 1 + case.model.dynamic or case.name == "gemma3-crops"

    search = BeamParameters(
        max_new_tokens=TOKENS, num_beams=3, length_penalty=1.0, early_stopping=False, num_return=1
    )
    beams = tiny.run(case.engine, SAMPLES, rows, arrays(), search=search)
    assert [beams.ids(row) for row in range(2)] == [generated(case, image, num_beams=3) for image in range(2)]


@pytest.mark.parametrize("warmup", [-1, 2])
def test_aai_equals_the_naive_oracle(warmup: int, case: Case, logits: list[Tensor]) -> None:
    """Both images in one batch, edited, beside a plain row."""
    layers = (1, families.LAYERS)
    edit = tiny.aai(alpha=0.9, beta=0.8, layers=layers, warmup=warmup)
    rows = [tiny.row(edit, sample=0), tiny.row(sample=0), tiny.row(edit, sample=1)]
    result = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=TOKENS)
    seen = torch.stack(logits, dim=1)  # [R, TOKENS, V]
    tolerance = 1e-4 * float(seen.abs().max())
    for row, image in ((0, 0), (2, 1)):
        values = torch.from_numpy(reference(case, image, "seed")[0])
        edited = Edit(0.9, 0.8, layers, warmup)
        tokens, expected = recomputed(case, image, edited, values / (values.mean() + 1e-8))
        assert result.ids(row) == tokens
        assert torch.allclose(seen[row], expected, rtol=0, atol=tolerance)
    assert torch.equal(seen[0, : warmup + 1], seen[1, : warmup + 1])
    difference = (seen[0, warmup + 1] - seen[1, warmup + 1]).abs().max()
    assert difference > 10 * tolerance, "the edit is meant to show"


def vision_inputs(case: Case, image: int) -> dict[str, Tensor]:
    return {name: value for name, value in case.inputs(image).items() if name in VISION}


def reference(case: Case, image: int, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, tokens, grid, seen = extract(case, image, mode)
    return tokens, grid, seen


def extract(case: Case, image: int, mode: str) -> tuple[VisionReference, np.ndarray, np.ndarray, np.ndarray]:
    command = ExtractVisionCommand(model="m1", image=image, mode=mode)  # type: ignore[arg-type]
    return case.engine.extract_vision(command, arrays())


@torch.inference_mode()
def attention_received(case: Case, image: int, layer: int, renormalised: bool) -> Tensor:
    """[sequences, patches], from whole maps [H, N, N] of transformers' own tower under naive attention."""
    NAIVE.vision = {}
    case.oracle.get_image_features(**vision_inputs(case, image))
    maps = list(NAIVE.vision.values())[layer]
    first = int(case.model.has_cls)  # type: ignore[attr-defined]
    received = []
    for one in maps:
        mean = one.mean(dim=0)[first:, first:]
        received.append(sum(row / row.sum() if renormalised else row for row in mean))
    if "image_grid_thw" in case.inputs(image):  # one sequence, perhaps in windows
        return torch.cat(received)[None]
    return torch.stack(received)  # tiles


@pytest.mark.parametrize("image", [0, 1])
@pytest.mark.parametrize("mode", ["seed", "corrected"])
def test_the_reference_is_the_attention_that_patches_receive(mode: str, image: int, case: Case) -> None:
    tokens, grid, seen = reference(case, image, mode)
    pixels = case.model.preprocess(picture(image))
    layer = case.model.reference_layer(mode)  # type: ignore[attr-defined]
    received = attention_received(case, image, layer, renormalised=mode == "corrected")
    expected = case.model.map_reference(received, pixels)  # type: ignore[attr-defined]

    assert tokens == pytest.approx(expected.tokens.numpy(), rel=1e-3, abs=1e-5)
    assert grid == pytest.approx(expected.grid.numpy(), rel=1e-3, abs=1e-5)
    assert len(tokens) == len(patch_positions(case, image))
    assert received.sum() == pytest.approx(received.numel(), rel=1e-4) or mode == "seed"
    assert grid.shape == case.model.patch_grid(pixels)  # type: ignore[attr-defined]
    assert (seen.shape[0] / grid.shape[0]) == (seen.shape[1] / grid.shape[1]) and seen.dtype == np.uint8


@pytest.mark.parametrize("image", [0, 1])
def test_the_tokens_of_the_whole_image_lie_on_its_patches(image: int, case: Case) -> None:
    """Squares of patches make a token, wherever the family has it among the image tokens."""
    summary, tokens, grid, _ = extract(case, image, "seed")
    whole = summary.token_grid
    assert whole is not None
    size = grid.shape[0] // whole.rows
    assert grid.shape == (size * whole.rows, size * whole.columns)
    mine = tokens[whole.first : whole.first + whole.rows * whole.columns].reshape(whole.rows, whole.columns)
    for row in range(whole.rows):
        for column in range(whole.columns):
            square = grid[row * size : (row + 1) * size, column * size : (column + 1) * size]
            assert mine[row, column] == pytest.approx(square.mean(), rel=1e-5)


@pytest.mark.parametrize("image", [0, 1])
@torch.inference_mode()
def test_the_reference_goes_where_the_features_go(image: int, case: Case, tmp_path: Path) -> None:
    """With projectors that only take means, transformers brings one channel of the tower's output to the
    image tokens: through windows, merges, shuffles, stitching, padding. A reference of these values follows.
    """
    case.oracle.save_pretrained(tmp_path)
    network = AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    case.family.flatten(network)
    seen = network.get_image_features(
        **vision_inputs(case, image), output_hidden_states=True, return_dict=True
    )
    features = torch.cat(list(seen.pooler_output)).reshape(-1, families.HIDDEN)[:, 0]
    layer = getattr(network.config, "vision_feature_layer", None)
    channel = (seen.last_hidden_state if layer is None else seen.hidden_states[layer])[..., 0]
    channel = channel[None] if channel.dim() == 1 else channel[:, int(case.model.has_cls) :]  # type: ignore[attr-defined]
    pixels = case.model.preprocess(picture(image))
    tokens = case.model.map_reference(channel, pixels).tokens  # type: ignore[attr-defined]

    ids = case.inputs(image)["input_ids"][0]
    run = (ids == case.oracle.config.image_token_id).nonzero().flatten().tolist()
    keys = [run.index(position) for position in patch_positions(case, image)]
    assert tokens == pytest.approx(features[keys].numpy(), rel=1e-4, abs=1e-5)
    assert case.model.image_keys(ids.tolist(), pixels) == patch_positions(case, image)
    assert len(set(tokens.tolist())) == len(tokens)


@torch.inference_mode()
def test_capture_equals_transformers(case: Case) -> None:
    """Image keys of both images; the weights that chose the first token."""
    rows = [tiny.row(sample=0), tiny.row(sample=1)]
    result = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=2, capture=tiny.capture(keys="image"))
    for image in range(2):
        maps = case.oracle(**case.inputs(image), output_attentions=True).attentions
        expected = torch.stack([one[0, :, -1] for one in maps])[..., patch_positions(case, image)]
        assert result.attention[image][0].weights == pytest.approx(expected.numpy(), abs=1e-5)


def test_description(case: Case) -> None:
    description = case.model.describe()
    typical = case.model.preprocess(Image.new("RGB", (640, 480)))
    assert description.family == case.name.partition("-")[0]
    assert description.templates[0] == "chat"
    assert description.image_tokens == case.model.count_image_tokens(typical)
    assert description.dynamic_image_tokens == case.model.dynamic
    assert (description.layers, description.heads, description.kv_heads) == (families.LAYERS, 4, 2)
    assert description.vision_tower.reference_layer == description.vision_tower.layers - 1

    inspected = inspect_checkpoint(str(case.folder))
    ids = case.model.tokenise(inspected["prompt"], typical)
    runs = [key for start, end in inspected["imageRuns"] for key in range(start, end)]
    assert runs == case.model.image_keys(ids, typical)
    assert inspected["promptTokens"] == len(ids)
    assert inspected["visionTower"] == msgspec.to_builtins(description.vision_tower)


def test_questions_without_an_image(case: Case) -> None:
    samples = [tiny.sample(QUESTION, image=None, template="chat"), SAMPLES[0]]
    result = tiny.run(case.engine, samples, [tiny.row(sample=0), tiny.row(sample=1)], arrays(), tokens=3)
    text = f"USER: {QUESTION} ASSISTANT:"
    ids = case.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
    types = case.family.types(torch.zeros_like(ids, dtype=torch.bool))
    expected = case.oracle.generate(ids, **types, max_new_tokens=3, do_sample=False)
    assert result.ids(0) == expected[0, ids.shape[1] :].tolist()
    assert result.ids(1) == generated(case, 0)[:3]


def test_a_second_image_in_the_question(case: Case) -> None:
    marker = case.model.marker
    samples = [tiny.sample(f"And {marker}?", image=0, template="chat")]
    result = tiny.run(case.engine, samples, [tiny.row()], arrays(), tokens=1)
    fault = result.rows[0].fault
    assert fault is not None
    assert f"The prompt holds 2 x {marker}" in fault.message or "places the image itself" in fault.message


@pytest.mark.parametrize("size", [(64, 64), (12, 12), (9, 61), (61, 9), (150, 10), (33, 47), (640, 480)])
@torch.inference_mode()
def test_images_of_any_size(size: tuple[int, int], case: Case) -> None:
    """As many tokens as transformers asks for, as many features, and a value for each patch."""
    image = tiny.picture(0, *size)
    model = case.model
    pixels = model.preprocess(image)
    processed = dict(case.processor(image, return_tensors="pt", **case.family.options))
    text = case.family.expand(processed, model.network.config)
    assert model.tokenise(f"{case.family.chat}Why?", pixels) == case.tokenizer(f"{text}Why?")["input_ids"]

    ids = model.tokenise(f"{case.family.chat}Why?", pixels)
    look = model.look(pixels, frozenset(["seed"]))
    assert ids.count(model.image_token_id) == model.count_image_tokens(pixels) == len(look.features)
    assert len(model.image_keys(ids, pixels)) == len(look.references["seed"].tokens)
    assert look.references["seed"].grid.shape == model.patch_grid(pixels)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (301, 1), (2, 3), (1, 30)])
def test_odd_images(size: tuple[int, int], case: Case) -> None:
    """They are described, or refused with a sentence, and their neighbour is none the worse."""
    images = [tiny.frame(tiny.encode(tiny.picture(0, *size))), arrays()[1]]
    result = tiny.run(case.engine, SAMPLES, [tiny.row(sample=0), tiny.row(sample=1)], images, tokens=3)
    assert result.ids(1) == generated(case, 1)[:3]
    fault = result.rows[0].fault
    assert len(result.ids(0)) == 3 if fault is None else fault.code == "bad-image"


def test_an_image_of_one_token(tmp_path: Path) -> None:
    """transformers' Mistral 3 takes none."""
    engine = tiny.load(families.save(FAMILIES["mistral3"], tmp_path))
    images = [tiny.frame(tiny.encode(tiny.picture(0, 8, 6)))]
    fault = tiny.run(engine, SAMPLES[:1], [tiny.row()], images).rows[0].fault
    assert fault is not None and fault.code == "bad-image"
    assert fault.message.startswith("The 8 x 6 image makes one image token only")


def test_noise_is_of_the_image_not_of_its_frames(case: Case) -> None:
    """Qwen's towers see an image as a film of two frames; a noisy one is a still all the same."""
    values = case.model.preprocess(picture(0)).values
    noisy = add_noise(values, 500, seed=1)
    still = case.model.hold_still(noisy)
    assert torch.equal(case.model.hold_still(values), values)
    if "image_grid_thw" not in case.inputs(0):
        assert torch.equal(still, noisy)
        return
    frames = still.reshape(len(values), 3, 2, 4 * 4)  # channel, frame, pixel
    assert torch.equal(frames[:, :, 0], frames[:, :, 1])
    assert torch.equal(frames[:, :, 0], noisy.reshape(len(values), 3, 2, 4 * 4)[:, :, 0])


def test_half_precision(case: Case, tmp_path: Path) -> None:
    """Edited and captured in bfloat16, with features and references from the same pass."""
    case.oracle.save_pretrained(tmp_path)
    case.tokenizer.save_pretrained(tmp_path)
    case.processor.save_pretrained(tmp_path)
    engine = tiny.load(tmp_path, dtype="bfloat16")
    edit = tiny.aai(warmup=-1, layers=(0, families.LAYERS))
    rows = [tiny.row(edit, sample=0), tiny.row(sample=1)]
    result = tiny.run(engine, SAMPLES, rows, arrays(), tokens=3, capture=tiny.capture(keys="image"))
    assert [len(result.ids(row)) for row in range(2)] == [3, 3]
    for image in range(2):
        whole = reference(case, image, "seed")[0]
        command = ExtractVisionCommand(model="m1", image=image, mode="seed")
        _, tokens, _, _ = engine.extract_vision(command, arrays())
        assert np.corrcoef(tokens, whole)[0, 1] > 0.9  # sharp random maps: single values differ


@pytest.mark.parametrize("method", list(METHODS))
def test_contrasts(method: str, case: Case) -> None:
    """Second prompts, noisy pixels, early exits: no row depends on the other one's image."""
    rows = [tiny.row(sample=0), tiny.row(sample=1)]
    contrast = METHODS[method]
    together = tiny.run(case.engine, SAMPLES, rows, arrays(), tokens=4, contrast=contrast)
    for row in range(2):
        alone = tiny.run(case.engine, SAMPLES, [rows[row]], arrays(), tokens=4, contrast=contrast)
        assert together.ids(row) == alone.ids()
