"""OPERA (Huang et al., CVPR 2024): beam search, penalised for over-trust, that goes back when it persists.

Every step forwards the likeliest candidates of each beam as rows of one batch. Their attention gives the
penalties; those that win have been forwarded already, so a normal step costs one forward. When one anchor has
been found too often, the beams go back to just after it (their cached keys and values are put back) and
choose again.

Mode "faithful" is the algorithm of the released code with its faults, on the prompt as the family's released
wrapper hands it over. "clean" mends them: every prompt is measured alike and only image tokens are rewarded,
anchors found stay with their beam, what is restored is a copy, what was rejected is forgotten once an earlier
token is chosen anew, scores are not rounded to half precision, and what may not be chosen has no probability.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..errors import WorkerError
from ..kv.batch import CacheNode
from ..models import Model
from ..models.opera import OperaPrompt, one_placeholder
from ..protocol import OperaParameters
from .choice import Choice, Written, finish_reason, require
from .hypotheses import Hypotheses
from .overtrust import LastLayer, extend_products, measure_overtrust, most_common
from .processors import Processors

_FIRST_ANCHOR = 10  # the first ten tokens never count as anchors
_FORBIDDEN = -999.0  # the released code's logit for what may not be chosen
_LONGEST = 512  # length of the released code's counters


class Opera:
    streams = False

    def __init__(self, parameters: OperaParameters, model: Model) -> None:
        _check(parameters, model)
        self.observer = LastLayer(model.layers)
        self.width = parameters.num_beams * parameters.num_attn_candidates
        self._parameters = parameters
        self._faithful = parameters.mode == "faithful"
        self._model = model
        self._stops = model.stops
        self._processors = Processors(model)
        self._states: dict[int, _State] = {}

    def step(self, logits: Tensor, rows: list[Written]) -> list[Choice]:
        sizes = [row.live for row in rows]
        attention = self.observer.attention.to(logits.device)
        parts = zip(rows, logits.split(sizes), attention.split(sizes), strict=True)
        return [self._step(*part) for part in parts]

    def forget(self, number: int) -> None:
        self._states.pop(number, None)
        self._processors.forget(number)

    def _step(self, row: Written, logits: Tensor, attention: Tensor) -> Choice:
        """Of one row: logits [live, V], attention [live, K]."""
        state = self._states.get(row.number) or self._begin(row, logits)
        match state.fed:
            case "candidates":
                return self._choose(state, row, logits, attention)
            case "restored":
                return self._choose_again(state, row, logits)
        if state.beams.length > 0:
            state.beams.products = self._extend(state.beams.products, row, attention)
        return self._propose(state, logits, list(range(len(logits))))

    def _begin(self, row: Written, logits: Tensor) -> _State:
        prompt = self._prompt(row)
        ended = Hypotheses(self._parameters.num_beams, self._parameters.length_penalty, len(prompt.ids))
        beams = _Beams([[]], logits.new_zeros(1), logits.new_zeros(1, 0), [[]], ended)
        self._states[row.number] = _State(beams, prompt)
        return self._states[row.number]

    def _prompt(self, row: Written) -> OperaPrompt:
        measure = self._model.opera_prompt if self._faithful else one_placeholder
        return measure(row.prompt, row.image_keys)

    def _propose(self, state: _State, logits: Tensor, live: list[int]) -> Choice:
        """The beams' next-token logits [B, V] -> candidates to forward; `live`: where each beam stands."""
        count = self._parameters.num_attn_candidates
        state.logits = logits
        state.candidates = logits.topk(count, dim=1).indices  # [B, N]
        state.places = _place([row // count if state.fed == "candidates" else row for row in live])
        state.fed = "candidates"
        state.forwarded, placed = state.candidates.tolist(), _inverse(state.places)
        tokens = [token for beam in placed for token in state.forwarded[beam]]
        return Choice(tokens, [live[beam] for beam in placed for _ in range(count)], settled=[], finish=None)

    def _choose(self, state: _State, row: Written, logits: Tensor, attention: Tensor) -> Choice:
        """The candidates have been forwarded: logits [B * N, V] after them, their attention [B * N, K]."""
        beams, count = state.beams, self._parameters.num_attn_candidates
        stand = [place * count + candidate for place in state.places for candidate in range(count)]
        attention = attention[stand]  # beam by beam, as all that follows
        products = self._extend(beams.products.repeat_interleave(count, dim=0), row, attention)  # [B * N, L]
        kept_in = torch.float16 if self._faithful else torch.float32
        rewarded = self.observer.layout.columns(state.prompt.rewarded, len(row.prompt) - 1)
        overtrust = measure_overtrust(products, attention, rewarded, kept_in)
        anchors = [most_common(overtrust.anchors[i : i + count]) for i in range(0, len(products), count)]
        beams.anchors = [[*past, anchor] for past, anchor in zip(beams.anchors, anchors, strict=True)]
        nodes = [row.nodes[place * count] for place in state.places]  # of the beams
        state.history.append(_Snapshot(replace(beams, ended=beams.ended.copy()), nodes, state.chosen))
        restored = self._go_back(state, most_common(anchors))
        if restored is not None:
            return restored

        raw = state.logits.gather(1, state.candidates)  # [B, N]
        penalised = raw - self._parameters.penalty_weights * overtrust.penalty.view_as(raw)
        allowed = torch.full_like(state.logits, _FORBIDDEN if self._faithful else -torch.inf)
        finished = self._advance(state, allowed.scatter(1, state.candidates, penalised), row)
        if finished is not None:
            return finished
        forwarded = state.forwarded
        if any(token not in forwarded[beam] for beam, token in state.chosen):
            # Too few candidates are no stop tokens: some beams go on with any token, and are to be forgotten.
            return self._feed(state, [nodes[beam] for beam, _ in state.chosen])
        chosen = [beam * count + forwarded[beam].index(token) for beam, token in state.chosen]
        state.beams.products = products[chosen]
        live = [stand[candidate] for candidate in chosen]
        return self._propose(state, logits[live], live)

    def _extend(self, products: Tensor, row: Written, attention: Tensor) -> Tensor:
        length = row.nodes[0].depth + 1  # the token just fed included
        answer = attention[:, self.observer.layout.answer(length)]
        products = extend_products(products, attention, answer, self._parameters.scale_factor)
        return products if self._faithful else products.clamp(max=torch.finfo(products.dtype).max)

    def _go_back(self, state: _State, anchor: int) -> Choice | None:
        """To just after the anchor, if every beam has found it too often."""
        tries = self._parameters.num_attn_candidates
        found = min(past.count(anchor) for past in state.beams.anchors)
        if anchor < _FIRST_ANCHOR or found <= self._parameters.threshold:
            return None
        position = anchor + 1  # of the token to choose anew
        if state.returns[position] >= tries:
            position -= 1
        if state.returns[position] >= tries:
            return None
        state.returns[position] += 1
        self._restore(state, position)
        tokens = [ids[-1] for ids in state.beams.ids]
        nodes = [node.previous for node in state.history[position].nodes]
        state.fed = "restored"
        return Choice(tokens, [0] * len(tokens), settled=[], finish=None, nodes=nodes)

    def _restore(self, state: _State, position: int) -> None:
        target, failed = state.history[position], state.history[position + 1]
        beams = replace(target.beams)
        if self._faithful:
            # Anchors stay where they were found; ended beams are no copy: a second return finds newer ones.
            dropped = len(state.history) - position - 1
            beams.anchors = [past[:-dropped] for past in state.beams.anchors]
            state.rejected.pop(position + 1, None)
        else:
            beams.ended = target.beams.ended.copy()
            state.rejected = defaultdict(
                set, {at: them for at, them in state.rejected.items() if at <= position}
            )
        state.rejected[position].update(failed.chosen)
        state.beams = beams
        del state.history[position + 1 :]

    def _choose_again(self, state: _State, row: Written, logits: Tensor) -> Choice:
        """After a return any token may follow but those that did; nothing is penalised."""
        beams, tokens = map(list, zip(*state.rejected[state.beams.length], strict=True))
        if self._faithful:
            worst = logits[logits.isfinite()].min()  # a contrast may have left tokens out
            logits = logits.clamp(min=worst) - (worst - _FORBIDDEN)
        left = logits.clone()
        left[beams, tokens] = _FORBIDDEN if self._faithful else -torch.inf
        logits = left.where(left.isfinite().any(dim=1, keepdim=True), logits)  # nothing else is plausible
        return self._advance(state, logits, row) or self._feed(state, None)

    def _feed(self, state: _State, nodes: list[CacheNode] | None) -> Choice:
        """The chosen tokens, which have not been forwarded yet."""
        parents, tokens = map(list, zip(*state.chosen, strict=True))
        state.beams.products = state.beams.products[parents]
        state.fed = "beams"
        return Choice(tokens, parents if nodes is None else [0] * len(tokens), [], None, nodes=nodes)

    def _advance(self, state: _State, logits: Tensor, row: Written) -> Choice | None:
        """One step of plain beam search on the logits [B, V]; a choice once the row is finished."""
        beams, width, vocabulary = state.beams, self._parameters.num_beams, logits.shape[1]
        likely = self._processors(torch.log_softmax(logits, dim=-1), row, beams.ids, state.prompt.ids)
        total = likely + beams.scores[:, None]
        scores, flat = total.flatten().topk(max(2, 1 + self._stops.ways) * width)
        totals, best = scores.tolist(), [divmod(index, vocabulary) for index in flat.tolist()]
        going = []  # ranks
        for rank, (beam, token) in enumerate(best):
            if not self._stops.reached(beams.ids[beam], token):
                going.append(rank)
            elif rank < width:
                beams.ended.add([*beams.ids[beam], token], totals[rank], beams.length)
            if len(going) == width:
                break
        beams.ended.update(totals[0], beams.length + 1)
        state.chosen = [best[rank] for rank in going]
        beams.ids = [[*beams.ids[beam], token] for beam, token in state.chosen]
        beams.scores = scores[going]
        if len(beams.anchors) < width or not self._faithful:
            beams.anchors = [beams.anchors[beam] for beam, _ in state.chosen]
        if not beams.ended.done and beams.length < row.limit:
            return None
        if not beams.ended.done:
            for ids, score in zip(beams.ids, beams.scores.tolist(), strict=True):
                beams.ended.add(ids, score, beams.length)
        answer = beams.ended.best()
        return Choice([], [], answer, finish_reason(answer[:-1], answer[-1], row.limit, self._stops))


@dataclass
class _Beams:
    """The beams of one row. Nothing in here but `ended` is changed in place."""

    ids: list[list[int]]  # [B]
    scores: Tensor  # [B], summed log-probabilities
    products: Tensor  # [B, length], see `overtrust.py`
    anchors: list[list[int]]  # [B], one per step
    ended: Hypotheses

    @property
    def length(self) -> int:
        return len(self.ids[0])


class _Snapshot(NamedTuple):
    beams: _Beams
    nodes: list[CacheNode]
    chosen: list[tuple[int, int]]  # (beam before, token): the choices that led here


@dataclass
class _State:
    """Of one row."""

    beams: _Beams
    prompt: OperaPrompt
    fed: Literal["beams", "candidates", "restored"] = "beams"  # what the live rows have been fed
    logits: Tensor = field(default_factory=lambda: torch.empty(0))  # [B, V] that the candidates are from
    candidates: Tensor = field(default_factory=lambda: torch.empty(0))  # [B, N]
    forwarded: list[list[int]] = field(default_factory=list)  # the same
    places: list[int] = field(default_factory=list)  # [B]: N candidates a place, in the order of live rows
    chosen: list[tuple[int, int]] = field(default_factory=list)
    history: list[_Snapshot] = field(default_factory=list)  # by number of tokens
    returns: Counter[int] = field(default_factory=Counter)  # by position of the token chosen anew
    rejected: defaultdict[int, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))


def _check(parameters: OperaParameters, model: Model) -> None:
    if model.cross_layers:
        raise WorkerError(
            "bad-input",
            "OPERA rewards attention to image tokens among a prompt's, of which this decoder has none: it "
            "sees the image in cross-attention layers.",
        )
    beams, candidates = parameters.num_beams, parameters.num_attn_candidates
    require(beams >= 2, "numBeams", beams, "2 or more under OPERA")
    expected = f"numBeams ({beams}) or more, or beams would go on with arbitrary tokens"
    require(candidates >= beams, "numAttnCandidates", candidates, expected)
    require(parameters.threshold >= 2, "threshold", parameters.threshold, "2 or more")
    if parameters.mode == "faithful":
        tokens = parameters.max_new_tokens
        require(
            tokens <= _LONGEST, "maxNewTokens", tokens, f"at most {_LONGEST}: mode clean has no such limit"
        )


def _place(wanted: list[int]) -> list[int]:
    """A place for each beam, that which it wants or, where another one has it, any that is left.

    A beam that stays where its parent's candidates stood finds all their keys but the newest there.
    """
    places = [place if place not in wanted[:beam] else None for beam, place in enumerate(wanted)]
    left = iter(sorted(set(range(len(wanted))) - set(wanted)))
    return [next(left) if place is None else place for place in places]


def _inverse(permutation: list[int]) -> list[int]:
    return sorted(range(len(permutation)), key=permutation.__getitem__)
