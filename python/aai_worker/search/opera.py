"""OPERA (Huang et al., CVPR 2024): beam search with a penalty for over-trust, which goes back if it persists.

Every step forwards the likeliest candidates of each beam as rows of one batch. Their attention gives the
penalties. The candidates that win have been forwarded already, so a normal step costs one forward pass. When
one anchor has been found too often, the beams go back to just after it: their part of the KV cache is put
back, and they choose again.

Mode "faithful" is the algorithm of the released code with its faults, on the prompt that the family's
released wrapper makes. Mode "clean" corrects them: every prompt is measured alike and only image tokens are
rewarded; anchors stay with the beam that they were found in; what is restored is a copy; rejected tokens are
forgotten once an earlier token is chosen again; scores are not rounded to float16; and a token that may not
be chosen has probability 0.
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
from .choice import Choice, SearchRow, finish_reason, require, search_method
from .hypotheses import Hypotheses
from .overtrust import LastLayer, extend_products, measure_overtrust, most_common
from .processors import Processors

_FIRST_ANCHOR = 10  # The first ten tokens never count as anchors.
_FORBIDDEN = -999.0  # The released code gives this logit to tokens that may not be chosen.
_LONGEST = 512  # The released code's counters have this length.


@search_method("opera")
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

    def step(self, logits: Tensor, rows: list[SearchRow]) -> list[Choice]:
        sizes = [row.live for row in rows]
        attention = self.observer.attention.to(logits.device)
        parts = zip(rows, logits.split(sizes), attention.split(sizes), strict=True)
        return [self._step(*part) for part in parts]

    def forget(self, number: int) -> None:
        self._states.pop(number, None)
        self._processors.forget(number)

    def _step(self, row: SearchRow, logits: Tensor, attention: Tensor) -> Choice:
        """One row's choice, from its live rows' logits [live, V] and attention [live, K]."""
        state = self._states.get(row.number) or self._begin(row, logits)
        match state.fed:
            case "candidates":
                return self._choose(state, row, logits, attention)
            case "restored":
                return self._choose_again(state, row, logits)
        if state.beams.length > 0:
            state.beams.products = self._extend(state.beams.products, row, attention)
        return self._propose(state, logits, list(range(len(logits))))

    def _begin(self, row: SearchRow, logits: Tensor) -> _State:
        prompt = self._prompt(row)
        ended = Hypotheses(self._parameters.num_beams, self._parameters.length_penalty, len(prompt.ids))
        beams = _Beams([[]], logits.new_zeros(1), logits.new_zeros(1, 0), [[]], ended)
        self._states[row.number] = _State(beams, prompt)
        return self._states[row.number]

    def _prompt(self, row: SearchRow) -> OperaPrompt:
        measure = self._model.opera_prompt if self._faithful else one_placeholder
        return measure(row.prompt, row.image_positions)

    def _propose(self, state: _State, logits: Tensor, live: list[int]) -> Choice:
        """Forwards the candidates of B beams with the logits [B, V]. `live`: the live row of each beam."""
        count = self._parameters.num_attn_candidates
        state.logits = logits
        state.candidates = logits.topk(count, dim=1).indices  # [B, N]
        state.places = _place([row // count if state.fed == "candidates" else row for row in live])
        state.fed = "candidates"
        state.forwarded, placed = state.candidates.tolist(), _inverse(state.places)
        tokens = [token for beam in placed for token in state.forwarded[beam]]
        return Choice(tokens, [live[beam] for beam in placed for _ in range(count)], settled=[], finish=None)

    def _choose(self, state: _State, row: SearchRow, logits: Tensor, attention: Tensor) -> Choice:
        """Chooses among N forwarded candidates per beam, with logits [B * N, V], attention [B * N, K]."""
        beams, count = state.beams, self._parameters.num_attn_candidates
        stand = [place * count + candidate for place in state.places for candidate in range(count)]
        attention = attention[stand]  # In the order of beams, as all that follows.
        products = self._extend(beams.products.repeat_interleave(count, dim=0), row, attention)  # [B * N, L]
        kept_in = torch.float16 if self._faithful else torch.float32
        rewarded = self.observer.layout.columns(state.prompt.rewarded, len(row.prompt) - 1)
        overtrust = measure_overtrust(products, attention, rewarded, kept_in)
        anchors = [most_common(overtrust.anchors[i : i + count]) for i in range(0, len(products), count)]
        beams.anchors = [[*past, anchor] for past, anchor in zip(beams.anchors, anchors, strict=True)]
        nodes = [row.nodes[place * count] for place in state.places]  # one per beam
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
            # Too few candidates are no stop tokens: some beams go on with an arbitrary token, which was not
            # forwarded.
            return self._feed(state, [nodes[beam] for beam, _ in state.chosen])
        chosen = [beam * count + forwarded[beam].index(token) for beam, token in state.chosen]
        state.beams.products = products[chosen]
        live = [stand[candidate] for candidate in chosen]
        return self._propose(state, logits[live], live)

    def _extend(self, products: Tensor, row: SearchRow, attention: Tensor) -> Tensor:
        """The products [n, L] with the token just fed, from those before it [n, L - 1]; attention [n, K]."""
        length = row.nodes[0].depth + 1  # with the token just fed
        answer = attention[:, self.observer.layout.answer(length)]
        products = extend_products(products, attention, answer, self._parameters.scale_factor)
        return products if self._faithful else products.clamp(max=torch.finfo(products.dtype).max)

    def _go_back(self, state: _State, anchor: int) -> Choice | None:
        """The choice that goes back to just after the anchor; None unless every beam found it too often."""
        tries = self._parameters.num_attn_candidates
        found = min(past.count(anchor) for past in state.beams.anchors)
        if anchor < _FIRST_ANCHOR or found <= self._parameters.threshold:
            return None
        position = anchor + 1  # of the token to choose again
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
        """Makes the beams what they were before the token at this position of the answer was chosen."""
        target, failed = state.history[position], state.history[position + 1]
        beams = replace(target.beams)
        if self._faithful:
            # As released: anchors are those of the present beams, and ended beams are no copy, so a second
            # return finds newer ones.
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

    def _choose_again(self, state: _State, row: SearchRow, logits: Tensor) -> Choice:
        """After going back, chooses among all tokens but the rejected ones, without a penalty."""
        beams, tokens = map(list, zip(*state.rejected[state.beams.length], strict=True))
        if self._faithful:
            worst = logits[logits.isfinite()].min()  # A contrast may have left tokens out.
            logits = logits.clamp(min=worst) - (worst - _FORBIDDEN)
        left = logits.clone()
        left[beams, tokens] = _FORBIDDEN if self._faithful else -torch.inf
        # Where no other token is plausible, a rejected one may follow.
        logits = left.where(left.isfinite().any(dim=1, keepdim=True), logits)
        return self._advance(state, logits, row) or self._feed(state, None)

    def _feed(self, state: _State, nodes: list[CacheNode] | None) -> Choice:
        """The choice that feeds the chosen tokens, which have not been forwarded yet."""
        parents, tokens = map(list, zip(*state.chosen, strict=True))
        state.beams.products = state.beams.products[parents]
        state.fed = "beams"
        return Choice(tokens, parents if nodes is None else [0] * len(tokens), [], None, nodes=nodes)

    def _advance(self, state: _State, logits: Tensor, row: SearchRow) -> Choice | None:
        """One step of plain beam search on the logits [B, V]. Returns a choice once the row is finished."""
        beams, width, vocabulary = state.beams, self._parameters.num_beams, logits.shape[1]
        likely = self._processors(torch.log_softmax(logits, dim=-1), row, beams.ids, state.prompt.ids)
        total = likely + beams.scores[:, None]
        scores, flat = total.flatten().topk(max(2, 1 + self._stops.max_end_tokens) * width)
        totals, best = scores.tolist(), [divmod(index, vocabulary) for index in flat.tolist()]
        going = []  # the ranks of the choices that do not end their beam
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
    """The B beams of one row. Only `ended` is ever changed in place."""

    ids: list[list[int]]  # [B], the token ids of each beam
    scores: Tensor  # [B] float32, summed log-probabilities
    products: Tensor  # [B, length] float32, see `overtrust.py`
    anchors: list[list[int]]  # [B], the positions of the anchors found so far, one per step
    ended: Hypotheses

    @property
    def length(self) -> int:
        return len(self.ids[0])


class _Snapshot(NamedTuple):
    """The beams after one step, to go back to."""

    beams: _Beams
    nodes: list[CacheNode]  # [B], the cache node of each beam
    chosen: list[tuple[int, int]]  # [B] (beam before, token), the choices that led to these beams


@dataclass
class _State:
    """The state of one row: B beams, and N candidates of each."""

    beams: _Beams
    prompt: OperaPrompt
    # What the live rows have been fed: the beams' tokens, their candidates, or the token before a new choice.
    fed: Literal["beams", "candidates", "restored"] = "beams"
    logits: Tensor = field(default_factory=lambda: torch.empty(0))  # [B, V], which the candidates are from
    candidates: Tensor = field(default_factory=lambda: torch.empty(0))  # [B, N] int64, token ids
    forwarded: list[list[int]] = field(default_factory=list)  # `candidates` as a list
    places: list[int] = field(default_factory=list)  # [B]; place i has the live rows from N * i on
    chosen: list[tuple[int, int]] = field(default_factory=list)  # [B] (beam before, token)
    history: list[_Snapshot] = field(default_factory=list)  # by the number of the answer's tokens
    returns: Counter[int] = field(default_factory=Counter)  # by position, how often it was gone back to
    # By position, the (beam before, token) that were chosen there and given up.
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
    """A place for each beam: the one it wants or, where another beam has that already, any that is left.

    A beam in the place of its parent's candidates finds all their keys and values there but the newest.
    """
    places = [place if place not in wanted[:beam] else None for beam, place in enumerate(wanted)]
    left = iter(sorted(set(range(len(wanted))) - set(wanted)))
    return [next(left) if place is None else place for place in places]


def _inverse(permutation: list[int]) -> list[int]:
    """By place, the beam that has it."""
    return sorted(range(len(permutation)), key=permutation.__getitem__)
