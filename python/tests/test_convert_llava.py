"""LLaVA-1.5 as published -> native, against the original computation in plain tensor operations."""

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

from aai_worker.protocol import BeamParameters, ExtractVisionCommand

PROMPT = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
    "detailed, and polite answers to the user's questions. "
    f"USER: <image>\n{converted.QUESTION} ASSISTANT:"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return published.llava(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def folder(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("converted") / "llava"
    return converted.convert("llava-1.5", out, checkpoint=files[0], vision=files[1])


@torch.inference_mode()
def test_the_same_answer_from_the_same_numbers(files: tuple[Path, Path], folder: Path) -> None:
    tensors, clip = originals.read_shards(files[0]), originals.read_shards(files[1])
    projector = {k: v.float() for k, v in torch.load(files[0] / "mm_projector.bin").items()}
    engine = tiny.load(folder)
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))

    states, maps = originals.clip(clip, pixels.values[0], published.CLIP_HEADS)
    name = "model.mm_projector"
    hidden = F.gelu(F.linear(states[-2][1:], projector[f"{name}.0.weight"], projector[f"{name}.0.bias"]))
    image = F.linear(hidden, projector[f"{name}.2.weight"], projector[f"{name}.2.bias"])
    chunks = originals.Tokenizer(files[0]).chunks(PROMPT, "<image>")
    embedded = originals.splice(tensors, chunks, image)

    vision = model.encode_image(pixels, frozenset(["released", "corrected"]))
    converted.assert_equal(vision.features, image)
    ids = model.tokenise(PROMPT, pixels)
    placeholders = [model.image_token_id] * len(image)
    assert ids == [*chunks[0], *placeholders, *chunks[1]]
    blank, newline = (originals.Tokenizer(files[0]).model.piece_to_id(piece) for piece in ("▁", "<0x0A>"))
    assert chunks[1][:2] == [blank, newline], "29871, 13 in the real vocabulary"

    made = LlavaProcessor.from_pretrained(folder)(text=PROMPT, images=tiny.picture(0), return_tensors="pt")
    assert made["input_ids"][0].tolist() == ids
    assert torch.equal(made["pixel_values"], pixels.values)

    logits = originals.llama(tensors, embedded, published.HEADS, 1e-5)
    oracle = converted.native(folder)
    made = oracle(input_ids=torch.tensor([ids]), pixel_values=pixels.values).logits[0]
    converted.assert_equal(made[:, :-1], logits)
    assert torch.equal(made[:, -1], made[:, 0]), "the image token's logit is that of <unk>"

    answer = originals.write(tensors, embedded, published.HEADS, 1e-5, 12)
    samples = [tiny.sample(PROMPT), tiny.sample(converted.QUESTION, template="chat")]
    rows = [tiny.row(sample=0), tiny.row(sample=1), tiny.row(tiny.aai())]
    result = tiny.run(engine, samples, rows, tiny.pictures(1))
    assert result.ids(0) == result.ids(1) == answer == converted.generate(oracle, ids, pixels.values)
    assert len(set(answer)) > 2
    assert result.ids(2) != answer

    seed, seen = (maps[index].mean(dim=0)[1:, 1:] for index in (-1, -2))
    converted.assert_equal(vision.references["released"].tokens, seed.sum(0))
    corrected = (seen / seen.sum(-1, keepdim=True)).sum(0)
    converted.assert_equal(vision.references["corrected"].tokens, corrected)


def test_beams_equal_transformers(folder: Path) -> None:
    engine = tiny.load(folder)
    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))
    search = BeamParameters(
        num_beams=3, max_new_tokens=12, length_penalty=1.0, early_stopping=False, num_return=1
    )
    result = tiny.run(engine, [tiny.sample(PROMPT)], [tiny.row()], tiny.pictures(1), search=search)
    expected = converted.generate(
        converted.native(folder), model.tokenise(PROMPT, pixels), pixels.values, num_beams=3
    )
    assert result.ids() == expected


def test_settings(files: tuple[Path, Path], folder: Path) -> None:
    description = tiny.load(folder)._find("m1").model.describe()
    assert (description.family, description.image_tokens) == ("llava", 16)
    assert description.context_length == published.CONTEXT
    config = LlavaConfig.from_pretrained(folder)
    text = config.text_config
    assert (text.bos_token_id, text.eos_token_id, text.rms_norm_eps) == (1, 2, 1e-5)
    assert config.dtype == torch.float16


@pytest.mark.parametrize("shape", ["pad", "crop"])
def test_the_shape_of_images(shape: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    """Padded with the mean colour as LLaVA's own evaluation, or cropped as PAI's."""
    folder = converted.convert(
        "llava-1.5", tmp_path / "out", checkpoint=files[0], vision=files[1], image_shape=shape
    )
    image = tiny.picture(3, width=40, height=24)
    if shape == "pad":
        square = Image.new("RGB", (40, 40), (122, 116, 104))
        square.paste(image, (0, 8))
        expected = square.resize((24, 24), Image.Resampling.BICUBIC)
    else:
        expected = image.crop((8, 0, 32, 24))
    engine = tiny.load(folder)
    command = ExtractVisionCommand(model="m1", image=0, mode="released")
    *_, seen = engine.extract_vision(command, [tiny.frame(tiny.encode(image))])
    assert np.abs(seen.astype(int) - np.asarray(expected).astype(int)).max() <= 1


def test_a_projector_in_the_shards(folder: Path, tmp_path: Path) -> None:
    """Where the hub's files have it, too."""
    checkpoint, vision = published.llava(tmp_path, projector_in_shards=True)
    (checkpoint / "mm_projector.bin").unlink()
    out = converted.convert("llava-1.5", tmp_path / "out", checkpoint=checkpoint, vision=vision)
    ours, before = (converted.native(path).state_dict() for path in (out, folder))
    assert all(torch.equal(ours[name], before[name]) for name in before)
