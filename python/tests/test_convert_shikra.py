"""Shikra as published -> native, against the original computation in plain tensor operations."""

from __future__ import annotations

from pathlib import Path

import converted
import numpy as np
import originals
import published
import pytest
import tiny
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import LlavaConfig, LlavaProcessor

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.protocol import BeamParameters, ExtractVisionCommand

PROMPT = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
    "detailed, and polite answers to the user's questions. "
    f"USER: <im_start><image><im_end> {converted.QUESTION} ASSISTANT:"
)
EPS = 1e-6

Files = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return published.shikra(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def folder(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("converted") / "shikra"
    delta, base, vision = files
    return converted.convert("shikra", out, delta=delta, base=base, vision=vision)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return tiny.load(folder)


def merged(files: Files) -> originals.Tensors:
    """As `apply_delta.py`: added in float16, and above LLaMA's vocabulary left as they are."""
    difference, base = originals.read_shards(files[0]), originals.read_shards(files[1])
    for key, below in base.items():
        if "inv_freq" not in key:
            total = difference[key].half()
            total[: below.shape[0]] += below.half()
            difference[key] = total.float()
    return difference


@torch.inference_mode()
def test_the_same_answer_from_the_same_numbers(files: Files, folder: Path, engine: Engine) -> None:
    tensors, clip = merged(files), originals.read_shards(files[2])
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))

    states, _ = originals.clip(clip, pixels.values[0], published.CLIP_HEADS)
    weight, bias = (tensors[f"model.mm_projector.{kind}"] for kind in ("weight", "bias"))
    image = F.linear(states[-2][1:], weight, bias)
    sp = originals.Tokenizer(files[1]).model
    before, after = PROMPT.split("<im_start><image><im_end>")
    start, end = sp.vocab_size() + 1, sp.vocab_size() + 2
    chunks = [[1, *sp.encode(before), start], [end, *sp.encode(after)]]
    embedded = originals.splice(tensors, chunks, image)

    converted.assert_equal(model.encode_image(pixels, frozenset()).features, image)
    ids = model.tokenise(PROMPT, pixels)
    assert ids == [*chunks[0], *[sp.vocab_size()] * len(image), *chunks[1]]

    prompt = PROMPT.replace("<image>", "<im_patch>")
    made = LlavaProcessor.from_pretrained(folder)(text=prompt, images=tiny.picture(0), return_tensors="pt")
    assert made["input_ids"][0].tolist() == ids

    oracle = converted.native(folder)
    made = oracle(input_ids=torch.tensor([ids]), pixel_values=pixels.values).logits[0]
    converted.assert_equal(made, originals.llama(tensors, embedded, published.HEADS, EPS))

    answer = originals.write(tensors, embedded, published.HEADS, EPS, 12)
    samples = [tiny.sample(PROMPT), tiny.sample(converted.QUESTION, template="chat")]
    result = tiny.run(engine, samples, [tiny.row(sample=0), tiny.row(sample=1)], tiny.pictures(1))
    assert result.ids(0) == result.ids(1) == answer == converted.generate(oracle, ids, pixels.values)
    assert len(set(answer)) > 2
    search = BeamParameters(
        num_beams=3, max_new_tokens=12, length_penalty=1.0, early_stopping=False, num_return=1
    )
    result = tiny.run(engine, samples[:1], [tiny.row()], tiny.pictures(1), search=search)
    assert result.ids() == converted.generate(oracle, ids, pixels.values, num_beams=3)


def test_the_sums_are_exact(files: Files, folder: Path) -> None:
    tensors, state = merged(files), converted.native(folder).state_dict()
    for key, tensor in tensors.items():
        if not key.startswith("model.mm_projector."):
            name = key if key == "lm_head.weight" else key.replace("model.", "model.language_model.", 1)
            assert torch.equal(state[name], tensor), key


@torch.inference_mode()
def test_the_seed_takes_im_start_for_the_first_image_token(
    files: Files, engine: Engine, folder: Path
) -> None:
    clip = originals.read_shards(files[2])
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))
    _, maps = originals.clip(clip, pixels.values[0], published.CLIP_HEADS)
    vision = model.encode_image(pixels, frozenset(["released", "corrected"]))
    converted.assert_equal(vision.references["released"].tokens, maps[-1].mean(dim=0).sum(0))
    seen = maps[-2].mean(dim=0)[1:, 1:]
    converted.assert_equal(vision.references["corrected"].tokens, (seen / seen.sum(-1, keepdim=True)).sum(0))
    assert vision.references["released"].tokens.shape == (17,)
    assert torch.equal(vision.references["released"].grid.flatten(), vision.references["released"].tokens[1:])

    # The same edit, given explicitly: the reference as it was extracted, on the keys from <im_start>.
    ids = model.tokenise(PROMPT, pixels)
    first = model.image_positions(ids, pixels)[0]
    assert ids[first - 1] == model.tokenizer.convert_tokens_to_ids("<im_start>")
    seed, corrected = (vision.references[mode].tokens.numpy() for mode in ("released", "corrected"))
    arrays = [*tiny.pictures(1), seed, corrected]
    rows = [
        tiny.row(tiny.aai(mode="released")),
        tiny.row(tiny.aai(reference=1, image_keys=(first - 1, first + 16))),
        tiny.row(tiny.aai(reference=1)),
        tiny.row(tiny.aai(mode="corrected")),
        tiny.row(tiny.aai(reference=2, image_keys=(first, first + 16))),
        tiny.row(tiny.aai(reference=2)),
        tiny.row(tiny.pai()),
        tiny.row(tiny.hgai()),
        tiny.row(),
    ]
    result = tiny.run(engine, [tiny.sample(PROMPT)], rows, arrays, tokens=24)
    assert result.ids(0) == result.ids(1) == result.ids(2) != result.ids(8)
    assert result.ids(3) == result.ids(4) == result.ids(5) != result.ids(8)
    assert result.ids(0) != result.ids(3)

    pai = tiny.pai().parameters
    assert model.edited_positions([7, 8], pai, None) == [6, 7, 8], "as PAI's code has it"
    assert model.edited_positions([7, 8], tiny.hgai().parameters, None) == [7, 8]


def test_a_reference_of_another_length(engine: Engine) -> None:
    arrays = [*tiny.pictures(1), np.ones(9, dtype=np.float32)]
    with pytest.raises(WorkerError, match="reference has 9 values, but the edit acts on 16 image keys"):
        tiny.run(engine, [tiny.sample(PROMPT)], [tiny.row(tiny.aai(reference=1))], arrays)


def test_settings(folder: Path, engine: Engine) -> None:
    description = engine._find("m1").model.describe()
    assert (description.family, description.image_tokens) == ("shikra", 16)
    assert description.context_length == published.CONTEXT
    text = LlavaConfig.from_pretrained(folder).text_config
    assert (text.bos_token_id, text.eos_token_id, text.pad_token_id) == (1, 2, 0), "published: 0, 1, -1"


@pytest.mark.parametrize("shape", ["pad", "crop"])
def test_the_shape_of_images(shape: str, files: Files, tmp_path: Path) -> None:
    delta, base, vision = files
    folder = converted.convert(
        "shikra", tmp_path / "out", delta=delta, base=base, vision=vision, image_shape=shape
    )
    image = tiny.picture(3, width=40, height=24)
    if shape == "pad":
        square = Image.new("RGB", (40, 40), (255, 255, 255))
        square.paste(image, (0, 8))
        expected = square.resize((24, 24), Image.Resampling.BICUBIC)
    else:
        expected = image.crop((8, 0, 32, 24))
    command = ExtractVisionCommand(model="m1", image=0, mode="released")
    *_, seen = tiny.load(folder).extract_vision(command, [tiny.frame(tiny.encode(image))])
    assert np.abs(seen.astype(int) - np.asarray(expected).astype(int)).max() <= 1
