"""Trains the demo checkpoint: a tiny LLaVA on scenes drawn as it goes, in LLaVA's own two steps.

python demo/train.py [--tower-steps 600] [--steps 500] [--out demo/checkpoint]

First the vision tower, as CLIP's is: it learns to see beside words, each patch's projected feature being
drawn towards the embedding of the word for what it shows. The tower's last layer, whose attention is AAI's
reference, feeds nothing in LLaVA-1.5 (features are taken one layer earlier), so auxiliary heads name the
objects from it: one reads CLS, one the mean over patches. All heads are thrown away.

Then the language model and the projector, on captions and POPE's questions, with the tower frozen.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from random import Random

import numpy as np
import torch
from tiny_llava import PATCH, make_model, make_processor
from torch import nn
from torch.nn import functional
from transformers import LlavaForConditionalGeneration, LlavaProcessor
from world.dialogue import Turn, caption_turns, opening, question_turns
from world.icons import ICONS
from world.scenes import SIDE, Scene, draw_scene, make_scene

SEED = 2014
TOWER_IMAGES = 64  # a step of the tower
IMAGES = 24  # a step of the language model; all are captioned
QUESTIONED = 14  # and so many of them asked about
PEAK_LR = 2e-3
WARMUP_STEPS = 40
SHARPNESS = 15.0  # of the softmax over cosines
CLASSES = list(ICONS)
IGNORED = -100
IMAGE_TOKENS = (SIDE // PATCH) ** 2


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the demo checkpoint.")
    parser.add_argument("--tower-steps", type=int, default=600)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "checkpoint")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    random = Random(SEED)

    processor = make_processor(tokenizer_corpus())
    model = make_model(processor.tokenizer)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(processor.tokenizer)} tokens")

    heads = tower_heads(model.config.vision_config.hidden_size)
    seeing = [
        model.model.vision_tower,
        model.model.multi_modal_projector,
        model.get_input_embeddings(),
        heads,
    ]
    descend(parameters(seeing), options.tower_steps, lambda: tower_loss(model, heads, processor, random))

    model.model.vision_tower.requires_grad_(False)
    descend(parameters([model]), options.steps, lambda: language_loss(model, processor, random))
    save(model, processor, options.out)


def parameters(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def descend(trained: list[nn.Parameter], steps: int, loss: Callable[[], torch.Tensor]) -> None:
    """AdamW on `loss` of a fresh batch each step; the rate warms up, then falls along a cosine."""
    optimizer = torch.optim.AdamW(trained, PEAK_LR, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / WARMUP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * step / steps)),
    )
    started = time.monotonic()
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        if step % 25 == 0:
            print(f"step {step} loss {value:.3f} {time.monotonic() - started:.0f} s", flush=True)


def tower_heads(width: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            "cls": nn.Linear(width, len(CLASSES)),
            "mean": nn.Linear(width, len(CLASSES)),
            "patches": nn.Linear(width, len(CLASSES) + 1),  # one more: no object
            "nothing": nn.Embedding(1, width),  # what a patch without an object should look like
        }
    )


def tokenizer_corpus() -> list[str]:
    """Every text the model may be shown, from scenes of its own."""
    random = Random(SEED - 1)
    scenes = [make_scene(random) for _ in range(4000)]
    turns = []
    for scene in scenes:
        lead = opening(random)
        turns += caption_turns(random, scene, lead) + question_turns(random, scene, lead)
    return [(prompt + answer).replace("<image>", "") for prompt, answer in turns]


def tower_loss(
    model: LlavaForConditionalGeneration, heads: nn.ModuleDict, processor: LlavaProcessor, random: Random
) -> torch.Tensor:
    """Objects of the picture from the last layer; what covers each patch from the features LLaVA takes."""
    scenes = [make_scene(random) for _ in range(TOWER_IMAGES)]
    tower = model.model.vision_tower(pixel_values(scenes, processor), output_hidden_states=True)
    patches = tower.hidden_states[-2][:, 1:]  # [B, 64, W]
    features = model.model.multi_modal_projector(patches)  # [B, 64, D]
    present = torch.tensor([[float(c in s.names) for c in CLASSES] for s in scenes])  # [B, C]
    covering = torch.tensor([patch_labels(s) for s in scenes])  # [B, 64]
    named_by_cls = heads["cls"](tower.last_hidden_state[:, 0])
    named_by_mean = heads["mean"](tower.last_hidden_state[:, 1:].mean(1))
    return (
        functional.binary_cross_entropy_with_logits(named_by_cls, present)
        + functional.binary_cross_entropy_with_logits(named_by_mean, present)
        + functional.cross_entropy(heads["patches"](patches).mT, covering)
        + functional.cross_entropy(word_likeness(model, heads, processor, features).mT, covering)
    )


def word_likeness(
    model: LlavaForConditionalGeneration,
    heads: nn.ModuleDict,
    processor: LlavaProcessor,
    features: torch.Tensor,
) -> torch.Tensor:
    """Logits [B, 64, C + 1]: how like each class's word, or nothing, a patch's projection is (cosine)."""
    words = [processor.tokenizer(f" {name}", add_special_tokens=False).input_ids for name in CLASSES]
    embed = model.get_input_embeddings()
    meanings = torch.stack([embed(torch.tensor(ids)).mean(0) for ids in words])  # [C, D]
    choices = torch.cat([meanings, heads["nothing"].weight])  # [C + 1, D]
    return SHARPNESS * functional.normalize(features, dim=-1) @ functional.normalize(choices, dim=-1).T


def patch_labels(scene: Scene) -> list[int]:
    """The class that covers a quarter of each patch, row by row; len(CLASSES) where none does."""
    labels = [len(CLASSES)] * IMAGE_TOKENS
    across = SIDE // PATCH
    for thing in scene.things:
        left, top, right, bottom = thing.box
        for patch in range(IMAGE_TOKENS):
            x, y = patch % across * PATCH, patch // across * PATCH
            width, height = min(right, x + PATCH) - max(left, x), min(bottom, y + PATCH) - max(top, y)
            if width > 0 and height > 0 and 4 * width * height >= PATCH**2:
                labels[patch] = CLASSES.index(thing.name)
    return labels


def language_loss(
    model: LlavaForConditionalGeneration, processor: LlavaProcessor, random: Random
) -> torch.Tensor:
    """Mean cross-entropy of the captions' tokens plus that of the answers to yes/no questions."""
    scenes = [make_scene(random) for _ in range(IMAGES)]
    with torch.no_grad():
        tower = model.model.vision_tower(pixel_values(scenes, processor), output_hidden_states=True)
    features = model.model.multi_modal_projector(tower.hidden_states[-2][:, 1:])  # [B, 64, D]
    lead = opening(random)  # one for all rows, else most rows would be padded to the few long ones
    captions = [encode(processor, caption_turns(random, s, lead)) for s in scenes]
    questions = [encode(processor, question_turns(random, s, lead)) for s in scenes[:QUESTIONED]]
    return answer_loss(model, captions, features) + answer_loss(model, questions, features[:QUESTIONED])


def pixel_values(scenes: list[Scene], processor: LlavaProcessor) -> torch.Tensor:
    """What the image processor makes of pictures that need no resizing."""
    pictures = np.stack([np.asarray(draw_scene(scene)) for scene in scenes])  # [B, 96, 96, 3] uint8
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor(processor.image_processor.image_mean).view(3, 1, 1)
    std = torch.tensor(processor.image_processor.image_std).view(3, 1, 1)
    return (values - mean) / std


def encode(processor: LlavaProcessor, turns: list[Turn]) -> tuple[list[int], list[int]]:
    """Token ids with the image placeholder repeated, and labels that ignore all but the answers."""
    tokenizer = processor.tokenizer
    ids, labels = [tokenizer.bos_token_id], [IGNORED]
    for prompt, answer in turns:
        expanded = prompt.replace("<image>", "<image>" * IMAGE_TOKENS)
        asked = tokenizer(expanded, add_special_tokens=False).input_ids
        answered = [*tokenizer(answer, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        ids += asked + answered
        labels += [IGNORED] * len(asked) + answered
    return ids, labels


def answer_loss(
    model: LlavaForConditionalGeneration, rows: list[tuple[list[int], list[int]]], features: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy over the answers' tokens. Rows are padded on the right."""
    longest = max(len(ids) for ids, _ in rows)
    pad = model.config.pad_token_id
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row, _ in rows])  # [B, T]
    labels = torch.tensor([row + [IGNORED] * (longest - len(row)) for _, row in rows])  # [B, T]
    embedded = model.get_input_embeddings()(ids)
    embedded = embedded.masked_scatter((ids == model.config.image_token_index)[..., None], features)
    hidden = model.model.language_model(inputs_embeds=embedded, use_cache=False).last_hidden_state
    chosen = labels[:, 1:] != IGNORED
    logits = model.lm_head(hidden[:, :-1][chosen])
    return functional.cross_entropy(logits, labels[:, 1:][chosen])


def save(model: LlavaForConditionalGeneration, processor: LlavaProcessor, folder: Path) -> None:
    """In half precision; the model in training stays as it is."""
    deepcopy(model).half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    processor.save_pretrained(folder)


if __name__ == "__main__":
    main()
