"""OPERA's mode "faithful" on the prompt as each family's released wrapper hands it over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import released_opera
import test_blip2
import tiny
import torch
from converted import native
from PIL import Image
from safetensors.torch import load_file
from transformers import NoRepeatNGramLogitsProcessor, RepetitionPenaltyLogitsProcessor

from aai_worker.engine import Engine
from aai_worker.models import Model, Pixels
from aai_worker.protocol import OperaParameters
from aai_worker.search.opera import Opera

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures" / "opera_families"
TRACES = json.loads((FIXTURES / "golden.json").read_text())
LLAVA = FIXTURES.parent / "opera"


def settings_of(trace: dict[str, Any], mode: str = "faithful") -> OperaParameters:
    given = {name: trace[name] for name in OperaParameters.__struct_fields__ if name in trace}
    return OperaParameters(**{"mode": mode, "length_penalty": 1.0, **given})


def loaded(engine: Engine) -> Model:
    return engine._find(engine.models[0]).model


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    """Of MiniGPT-4 the decoder; what its eyes made of the pictures is in the fixture."""
    engines = {name: tiny.load(FIXTURES / name) for name in ("minigpt4", "shikra")}
    seen: Any = loaded(engines["minigpt4"])
    features = {
        seen.preprocess(Image.open(FIXTURES / name)).values.numpy().tobytes(): values
        for name, values in load_file(FIXTURES / "features.safetensors").items()
    }
    seen.encode = lambda pixels: features[pixels.values.numpy().tobytes()]
    return engines


def answer(engine: Engine, trace: dict[str, Any], image: bytes) -> list[int]:
    search = settings_of(trace)
    samples = [tiny.sample(trace["prompt"])]
    return tiny.run(engine, samples, [tiny.row()], [tiny.frame(image)], search=search).ids()


@pytest.mark.parametrize("number", range(len(TRACES)))
def test_every_trace_of_the_released_code(number: int, engines: dict[str, Engine]) -> None:
    trace = TRACES[number]
    image = (FIXTURES / trace["image"]).read_bytes()
    assert answer(engines[trace["checkpoint"]], trace, image) == trace["tokens"]


def released(
    model: Model,
    prompt: str,
    image: Image.Image,
    counted: int,
    rewarded: tuple[int, int],
    trace: Any,
    **options: Any,
) -> list[int]:
    """The released search, written out, on the model's own decoder."""
    pixels = model.preprocess(image)
    pixels = model.instruct(pixels, prompt.replace("<image>", "")) if model.instructed else pixels
    ids = model.tokenise(prompt, pixels)
    with torch.inference_mode():
        before = model.embed(ids, model.encode_image(pixels, frozenset())).embedded
    network = native_decoder(model)

    def forward(answers: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = torch.tensor(answers, dtype=torch.long)
        after = network.get_input_embeddings()(tokens)
        embedded = torch.cat([before.expand(len(answers), -1, -1), after], dim=1)
        with torch.inference_mode():
            output = network(inputs_embeds=embedded, output_attentions=True)
        return output.logits[:, -1], output.attentions[-1].amax(dim=1)

    (stop,) = model.stop_ids
    return released_opera.search(forward, len(ids), counted, rewarded, stop, trace, **options)


def native_decoder(model: Model) -> Any:
    """transformers' own, with its own attention."""
    network = native(Path(model.source))
    return network.language_model if hasattr(network, "language_model") else network


@pytest.mark.parametrize("rollbacks", [0, 15])
def test_the_search_written_out_retraces_the_released_one(rollbacks: int) -> None:
    """What the tests below hold on to is itself held to recorded runs of the released code."""
    traces = json.loads((LLAVA / "golden.json").read_text())
    trace = next(trace for trace in traces if trace["rollbacks"] == rollbacks)
    model = loaded(tiny.load(LLAVA / trace["checkpoint"]))
    image = Image.open(LLAVA / trace["image"]).convert("RGB")
    ids = model.tokenise(trace["prompt"], model.preprocess(image))
    keys = model.image_positions(ids, None)
    counted = len(ids) - len(keys) + 1
    assert released(model, trace["prompt"], image, counted, (keys[0], keys[-1]), trace) == trace["tokens"]


def test_logits_processors_are_given_log_probabilities(tmp_path: Path) -> None:
    """As `logits_processor(input_ids, next_token_scores)` there; the ids hold the image once."""
    trace = next(one for one in json.loads((LLAVA / "golden.json").read_text()) if one["rollbacks"] == 15)
    folder = shutil.copytree(LLAVA / trace["checkpoint"], tmp_path / "checkpoint")
    file = folder / "generation_config.json"
    asked = {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2}
    file.write_text(json.dumps({**json.loads(file.read_text()), **asked}))
    engine = tiny.load(folder)
    model, image = loaded(engine), Image.open(LLAVA / trace["image"]).convert("RGB")
    ids = model.tokenise(trace["prompt"], model.preprocess(image))
    keys = model.image_positions(ids, None)
    before = [*ids[: keys[0] + 1], *ids[keys[-1] + 1 :]]
    processors = [RepetitionPenaltyLogitsProcessor(1.3), NoRepeatNGramLogitsProcessor(2)]

    def process(answers: list[list[int]], scores: torch.Tensor) -> torch.Tensor:
        for processor in processors:
            scores = processor(torch.tensor([before + answer for answer in answers]), scores)
        return scores

    rewarded = (keys[0], keys[-1])
    expected = released(model, trace["prompt"], image, len(before), rewarded, trace, process=process)
    assert answer(engine, trace, (LLAVA / trace["image"]).read_bytes()) == expected != trace["tokens"]


@pytest.mark.parametrize(("threshold", "tokens"), [(2, 28), (3, 20)])
@pytest.mark.parametrize("image", range(4))
def test_instructblip_from_one_bos_with_keys_one_behind(
    image: int, threshold: int, tokens: int, instructblip: Engine
) -> None:
    """blip2_vicuna_instruct.py of shikiw/OPERA: `image_start` 1 and `image_end` 32, of 32 queries."""
    trace = dict(num_beams=3, num_attn_candidates=5, scale_factor=50.0, penalty_weights=1.0)
    trace |= dict(threshold=threshold, max_new_tokens=tokens, prompt="<image>What is it?")
    model, picture = loaded(instructblip), tiny.picture(image)
    queries = model.count_image_tokens(model.preprocess(picture))
    expected = released(model, trace["prompt"], picture, 1, (1, queries), trace)

    assert answer(instructblip, trace, tiny.encode(picture)) == expected


@pytest.fixture(scope="module")
def instructblip(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny.load(test_blip2.save_instructblip(tmp_path_factory.mktemp("instructblip")))


def test_blip2_starts_from_one_bos(tmp_path: Path) -> None:
    """Its queries are the keys 0 to 4; no wrapper of OPERA's knows it."""
    model = loaded(tiny.load(test_blip2.save(tmp_path)))
    assert model.opera_prompt([9] * 5 + [1, 30, 31], [0, 1, 2, 3, 4]) == ([1], [0, 1, 2, 3, 4])


def test_shikra_without_its_markers(engines: dict[str, Engine]) -> None:
    assert loaded(engines["shikra"]).opera_prompt([1, 400, 400, 30], [1, 2]) == ([1, 400, 400, 30], [1, 2])


def test_clean_measures_every_family_alike(engines: dict[str, Engine]) -> None:
    trace = next(trace for trace in TRACES if trace["checkpoint"] == "shikra")
    model = loaded(engines["shikra"])
    pixels: Pixels = model.preprocess(Image.open(FIXTURES / trace["image"]).convert("RGB"))
    ids = model.tokenise(trace["prompt"], pixels)
    keys = model.image_positions(ids, pixels)
    search = Opera(settings_of(trace, "clean"), model)
    row: Any = type("Row", (), {"prompt": ids, "image_positions": keys})

    assert search._prompt(row) == ([*ids[: keys[0] + 1], *ids[keys[-1] + 1 :]], keys)
