"""BLIP-2 and InstructBLIP in the hub's format, the image before everything, against transformers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import converted
import pytest
import tiny
import torch
from test_contrast import icd, plausible
from tokenizers import AddedToken
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    BlipImageProcessorPil,
    CohereConfig,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    InstructBlipProcessor,
    InstructBlipQFormerConfig,
    InstructBlipVisionConfig,
    LlamaConfig,
    OPTConfig,
    PreTrainedConfig,
    T5Config,
)

from aai_worker.engine import Engine
from aai_worker.errors import WorkerError
from aai_worker.protocol import BeamParameters

PROMPT = "Question: What is it? Answer:"


def save(folder: Path, text: type[PreTrainedConfig] = OPTConfig) -> Path:
    tokenizer = tiny.create_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    torch.manual_seed(0)
    decoder: dict[str, Any] = dict(vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2, pad_token_id=3)
    if text is OPTConfig:
        decoder |= dict(hidden_size=32, ffn_dim=48, num_hidden_layers=4, num_attention_heads=4)
        decoder |= dict(max_position_embeddings=128, word_embed_proj_dim=32)
    elif text is CohereConfig:
        decoder |= dict(hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4)
        decoder |= dict(max_position_embeddings=128, logit_scale=0.4)
    else:
        decoder |= dict(d_model=32, d_ff=48, num_layers=2, num_heads=4, d_kv=8)
    config = Blip2Config(
        vision_config=Blip2VisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            image_size=8,
            patch_size=2,
        ),
        qformer_config=Blip2QFormerConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4
        ),
        text_config=text(**decoder),
        num_query_tokens=5,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = Blip2ForConditionalGeneration(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 or name == "query_tokens":
                torch.nn.init.normal_(weights, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 8, "width": 8}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Any]:
    folder = save(tmp_path_factory.mktemp("blip2"))
    return tiny.load(folder), converted.native(folder)


@pytest.mark.parametrize("beams", [1, 3])
def test_equals_transformers(beams: int, loaded: tuple[Engine, Any]) -> None:
    engine, oracle = loaded
    model = engine._find("m1").model
    search = BeamParameters(
        num_beams=beams, max_new_tokens=12, length_penalty=1.0, early_stopping=False, num_return=1
    )
    samples = [
        tiny.sample("What is it?", image=0, template="chat"),
        tiny.sample("What is it?", image=1, template="blip2"),
    ]
    result = tiny.run(
        engine,
        samples,
        [tiny.row(sample=0), tiny.row(sample=1)],
        tiny.pictures(2),
        search=search if beams > 1 else None,
    )
    for image in range(2):
        pixels = model.preprocess(tiny.picture(image))
        # As `Blip2Processor`: image tokens, then BOS and the prompt.
        ids = (
            [model.image_token_id] * 5 + [1] + model.tokenizer(PROMPT, add_special_tokens=False)["input_ids"]
        )
        assert model.tokenise(f"<image>{PROMPT}", pixels) == ids
        assert result.ids(image) == converted.generate(oracle, ids, pixels.values, num_beams=beams)
    assert len(set(result.ids(0))) > 2
    assert result.ids(0) != result.ids(1)


def save_instructblip(folder: Path) -> Path:
    tokenizer = tiny.create_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    torch.manual_seed(0)
    config = InstructBlipConfig(
        vision_config=InstructBlipVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            image_size=8,
            patch_size=2,
        ),
        qformer_config=InstructBlipQFormerConfig(
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=4,
            num_attention_heads=4,
            encoder_hidden_size=32,
            vocab_size=len(tokenizer),
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=4,
            num_attention_heads=4,
            max_position_embeddings=128,
        ),
        num_query_tokens=5,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = InstructBlipForConditionalGeneration(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 or name == "query_tokens":
                torch.nn.init.normal_(weights, std=0.3)
    model.save_pretrained(folder)
    images = BlipImageProcessorPil(size={"height": 8, "width": 8})
    InstructBlipProcessor(images, tokenizer, tiny.create_tokenizer(), num_query_tokens=5).save_pretrained(
        folder
    )
    return folder


@pytest.mark.parametrize("beams", [1, 3])
def test_instructblip_equals_transformers(beams: int, tmp_path: Path) -> None:
    """Two prompts about one image are two vision passes, as the Q-Former reads the prompt."""
    folder = save_instructblip(tmp_path)
    engine, oracle = tiny.load(folder), converted.native(folder)
    processor = InstructBlipProcessor.from_pretrained(folder)
    processor.image_token = AddedToken("<image>")
    search = BeamParameters(
        num_beams=beams, max_new_tokens=12, length_penalty=1.0, early_stopping=False, num_return=1
    )
    questions = ["What is it?", "Is there a cat?"]
    samples = [tiny.sample(question, template="chat") for question in questions]
    rows = [tiny.row(sample=0), tiny.row(sample=1)]
    result = tiny.run(engine, samples, rows, tiny.pictures(1), search=search if beams > 1 else None)
    for index, question in enumerate(questions):
        inputs = processor(images=tiny.picture(0), text=question, return_tensors="pt")
        made = oracle.generate(**inputs, max_new_tokens=12, do_sample=False, num_beams=beams)
        assert result.ids(index) == made[0, inputs["input_ids"].shape[1] :].tolist()

    model = engine._find("m1").model
    pixels = model.preprocess(tiny.picture(0))
    vision = [
        model.encode_image(model.instruct(pixels, text), frozenset(["corrected"])) for text in questions
    ]
    assert not torch.equal(vision[0].features, vision[1].features)
    references = [one.references["corrected"].tokens for one in vision]
    assert not torch.equal(*references)
    shutil.rmtree(folder / "qformer_tokenizer")
    with pytest.raises(WorkerError, match="lacks the tokenizer of the Q-Former"):
        tiny.load(folder)


def test_icd_disturbs_what_the_qformer_reads(tmp_path: Path, logits: list[Tensor]) -> None:
    """And nothing else, as the authors' InstructBLIP; all recomputed by transformers at every token."""
    folder = save_instructblip(tmp_path)
    engine, oracle = tiny.load(folder), converted.native(folder)
    processor = InstructBlipProcessor.from_pretrained(folder)
    processor.image_token = AddedToken("<image>")
    question = "What is it?"
    plain, disturbed = (
        processor(images=tiny.picture(0), text=text, return_tensors="pt")
        for text in (question, f"Be confused. {question}")
    )
    written, tokens, expected = plain["input_ids"], [], []
    with torch.inference_mode():
        for _ in range(4):
            main, other = (
                oracle(
                    pixel_values=read["pixel_values"],
                    qformer_input_ids=read["qformer_input_ids"],
                    qformer_attention_mask=read["qformer_attention_mask"],
                    input_ids=written,
                    attention_mask=torch.ones_like(written),
                ).logits[0, -1]
                for read in (plain, disturbed)
            )
            expected.append(plausible(2 * main - other, main, 0.1))
            tokens.append(int(expected[-1].argmax()))
            assert not torch.allclose(main, other, atol=1e-2), "it is meant to show"
            written = torch.cat([written, torch.tensor([tokens[-1:]])], dim=1)
    sample = tiny.sample(question, template="chat")
    contrast = icd(alpha=1.0)
    result = tiny.run(engine, [sample], [tiny.row()], tiny.pictures(1), tokens=4, contrast=contrast)
    assert result.ids() == tokens
    got = torch.cat(logits)
    kept = torch.stack(expected).isfinite()
    assert torch.equal(got.isfinite(), kept)
    assert (got - torch.stack(expected))[kept].abs().max() < 1e-4


def test_aai_acts_on_the_queries(loaded: tuple[Engine, Any]) -> None:
    engine, _ = loaded
    rows = [tiny.row(), tiny.row(tiny.aai(alpha=2.0, mode="corrected")), tiny.row(tiny.pai())]
    samples = [tiny.sample("What is it?", template="chat")]
    result = tiny.run(engine, samples, rows, tiny.pictures(1))
    assert result.prefilled[0].rows[0].key_ranges == [(0, 5)]
    assert result.ids(0) != result.ids(1) and result.ids(0) != result.ids(2)


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"writes with an encoder-decoder \(t5\)"):
        tiny.load(save(tmp_path, T5Config))
