"""Early exits of every family: the first token under DoLa and DeCo against transformers' own hidden states.

What stands between a state and logits is written out here for each family: DeCo's final norm under the name
that the decoder has for it, the LM head, and what the network does to its logits after that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import converted
import family_case
import pytest
import test_blip2
import tiny
import torch
from family_case import NAIVE, SAMPLES, Case, arrays
from test_contrast import deco, dola, naive_deco, naive_dola
from torch import Tensor, nn
from transformers import CohereConfig, OPTConfig, PreTrainedConfig

from aai_worker.errors import WorkerError
from aai_worker.models.exits import early_exits

pytestmark = pytest.mark.slow

case = family_case.case  # the fixture

METHODS = pytest.mark.parametrize(
    ("parameters", "formula"), [(dola(), naive_dola), (deco(alpha=3), naive_deco)], ids=["dola", "deco"]
)
Formula = Callable[[Tensor, dict[int, Tensor]], Tensor]


def first_logits(
    parameters: Any, formula: Formula, states: Any, norm: nn.Module, finish: Callable[[Tensor], Tensor]
) -> Tensor:
    """By the formula, [V], from transformers' hidden states [1, P, hidden], the last one normed already."""
    *early, last = (one[0, -1] for one in states)
    if formula is naive_deco:
        early = [norm(state) for state in early]
    return formula(finish(last), {layer: finish(state) for layer, state in enumerate(early)})


def compare(got: Tensor, expected: Tensor, plain: Tensor) -> None:
    kept = expected.isfinite()
    assert torch.equal(got.isfinite(), kept)
    assert (got - expected)[kept].abs().max() < 1e-4
    assert not torch.allclose(got[kept], plain[kept], atol=1e-2), "it is meant to show"


@METHODS
def test_first_token_of_every_family(
    parameters: Any, formula: Formula, case: Case, logits: list[Tensor]
) -> None:
    NAIVE.edit = None
    caps = {"paligemma-capped": 30.0}  # of Gemma 2, in PaliGemma 2

    def finish(state: Tensor) -> Tensor:
        said: Tensor = case.oracle.lm_head(state)
        cap = caps.get(case.name)
        return said if cap is None else cap * torch.tanh(said / cap)

    with torch.inference_mode():
        output = case.oracle(**case.inputs(0), output_hidden_states=True, use_cache=False)
        inner = case.oracle.model
        decoder = inner.text_model if hasattr(inner, "text_model") else inner.language_model
        expected = first_logits(parameters, formula, output.hidden_states, decoder.norm, finish)
    tiny.run(case.engine, SAMPLES[:1], [tiny.row()], arrays(), tokens=1, contrast=parameters)
    compare(logits[0][0], expected, output.logits[0, -1])


@METHODS
@pytest.mark.parametrize(
    ("text", "norm", "scale"),
    [(OPTConfig, "model.decoder.final_layer_norm", 1.0), (CohereConfig, "model.norm", 0.4)],
    ids=["OPT", "Cohere"],
)
def test_first_token_of_other_decoders(
    parameters: Any,
    formula: Formula,
    text: type[PreTrainedConfig],
    norm: str,
    scale: float,
    tmp_path: Path,
    logits: list[Tensor],
) -> None:
    """BLIP-2 takes any decoder: OPT has another name for its norm, Cohere scales its logits."""
    folder = test_blip2.save(tmp_path, text)
    engine, oracle = tiny.load(folder), converted.native(folder)
    model, language_model = engine._find("m1").model, oracle.language_model
    pixels = model.preprocess(tiny.picture(0))
    ids = torch.tensor([model.tokenise(f"<image>{test_blip2.PROMPT}", pixels)])
    with torch.inference_mode():
        made = oracle(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=pixels.values,
            output_hidden_states=True,
        ).language_model_outputs
        expected = first_logits(
            parameters,
            formula,
            made.hidden_states,
            language_model.get_submodule(norm),
            lambda state: scale * language_model.lm_head(state),
        )
    sample = tiny.sample("What is it?", template="blip2")
    tiny.run(engine, [sample], [tiny.row()], tiny.pictures(1), tokens=1, contrast=parameters)
    compare(logits[0][0], expected, made.logits[0, -1])


def test_a_decoder_whose_final_norm_is_unknown() -> None:
    class Odd(nn.Module):
        def get_decoder(self) -> nn.Module:
            return self

        get_output_embeddings = get_decoder

    with pytest.raises(WorkerError, match=r"No final norm is known of this decoder \(Odd\)"):
        with early_exits(Odd(), [1], normed=True):
            pass
    with early_exits(Odd(), [1], normed=False):
        pass
