"""OPERA's released search written out once more, without a cache and without the package: every step forwards
whole sequences, and every penalty is taken from whole attention maps.

After `opera_beam_search` of shikiw/OPERA at 61426ef and the beam scorer of transformers 4.29: one prompt, no
early stopping, a length penalty of 1.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

# Answers [n][t] -> next-token logits [n, V] and the last layer's attention [n, T, T], maximum over heads.
Forward = Callable[[list[list[int]]], tuple[Tensor, Tensor]]


@dataclass
class Scorer:
    counted: int  # ids that a hypothesis holds before its answer
    width: int
    ended: list[tuple[float, list[int]]] = field(default_factory=list)

    def add(self, ids: list[int], total: float) -> None:
        score = total / (self.counted + len(ids))
        if len(self.ended) == self.width and score <= min(self.ended)[0]:
            return
        self.ended = sorted([*self.ended, (score, ids)], key=lambda one: one[0])[-self.width :]

    def is_done(self, best: float, length: int) -> bool:
        full = len(self.ended) == self.width
        return full and self.ended[0][0] >= best / (self.counted + length)


def search(
    forward: Forward,
    prompt: int,  # keys of the prompt
    counted: int,
    rewarded: tuple[int, int],  # first and last key
    stop: int,
    settings: dict[str, Any],
    process: Callable[[list[list[int]], Tensor], Tensor] = lambda answers, scores: scores,
) -> list[int]:
    """The new ids, without the stop token. `process`: its logits processors."""
    width, tries = settings["num_beams"], settings["num_attn_candidates"]
    beams: list[list[int]] = [[] for _ in range(width)]
    totals = torch.tensor([0.0] + [-1e9] * (width - 1))
    scorer = Scorer(counted, width)
    led: list[tuple[int, int]] = []  # (beam before, token) of the last step
    history: list[dict[str, Any]] = []
    anchors: list[list[int]] = []  # by step, by beam
    returns: Counter[int] = Counter()
    rejected: dict[int, list[tuple[int, int]]] = {}
    while True:
        logits, _ = forward(beams)
        candidates = logits.topk(tries, dim=1).indices
        values, places = _penalties(forward, beams, candidates, prompt, rewarded, settings["scale_factor"])
        mine = places.mode(dim=1).values
        anchor = int(mine.mode().values)
        anchors.append(mine.tolist())
        scores = logits.gather(1, candidates) - settings["penalty_weights"] * values
        history.append(
            dict(beams=beams, scorer=copy.deepcopy(scorer), totals=totals, led=led, candidates=candidates)
        )
        position = _return_to(anchor, anchors, returns, settings["threshold"], tries)
        if position is None:
            logits = torch.full_like(logits, -999.0).scatter(1, candidates, scores)
        else:
            for _ in range(len(beams[0]) + 1 - position - 2):
                history.pop()
                anchors.pop()
            failed, target = history.pop()["led"], history[-1]
            anchors.pop()
            beams, scorer, totals = target["beams"], target["scorer"], target["totals"]
            rejected.pop(position + 1, None)
            rejected[position] = rejected.get(position, []) + failed
            logits, _ = forward(beams)
            logits = logits - (999.0 + logits.amin(dim=1, keepdim=True))
            for beam, token in rejected[position]:
                logits[beam, token] = -999.0
        summed = process(beams, logits.log_softmax(dim=1)) + totals[:, None]
        best, flat = summed.flatten().topk(2 * width)
        led, kept = [], []
        for rank, index in enumerate(flat.tolist()):
            beam, token = divmod(index, logits.shape[1])
            if token != stop:
                led.append((beam, token))
                kept.append(rank)
            elif rank < width:
                scorer.add(beams[beam], float(best[rank]))
            if len(led) == width:
                break
        done = scorer.is_done(float(best[0]), len(beams[0]) + 1)
        beams, totals = [[*beams[beam], token] for beam, token in led], best[kept]
        if done or len(beams[0]) == settings["max_new_tokens"]:
            break
    if not done:
        for ids, total in zip(beams, totals.tolist(), strict=True):
            scorer.add(ids, total)
    return scorer.ended[-1][1]


def _penalties(
    forward: Forward,
    beams: list[list[int]],
    candidates: Tensor,
    prompt: int,
    rewarded: tuple[int, int],
    scale: float,
) -> tuple[Tensor, Tensor]:
    """Of every candidate of every beam: what its logit loses, and the column that says so."""
    tried = [[*ids, token] for ids, own in zip(beams, candidates.tolist(), strict=True) for token in own]
    _, maps = forward(tried)
    maps = maps / maps.sum(dim=-1, keepdim=True)
    window = scale * maps[:, prompt:, prompt:]
    length = window.shape[-1]
    columns = torch.stack([1e-7 * window[:, column:, column].prod(dim=1) for column in range(length)], dim=1)
    worst, places = columns.half().max(dim=1)
    image = maps[:, -1, rewarded[0] : rewarded[1] + 1].sum(dim=1)
    values = -image if length <= 10 else worst.float()
    return values.view_as(candidates), places.view_as(candidates)


def _return_to(
    anchor: int, anchors: list[list[int]], returns: Counter[int], threshold: int, tries: int
) -> int | None:
    found = [[step[beam] for step in anchors].count(anchor) for beam in range(len(anchors[0]))]
    if min(found) <= threshold or anchor < 10:
        return None
    for position in (anchor + 1, anchor):
        if returns[position] < tries:
            returns[position] += 1
            return position
    return None
