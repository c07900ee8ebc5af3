"""One generate command, start to end: all is checked, then rows are decoded, lane by lane."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch

from ..contrast import Contrast, Streams, create_contrast
from ..errors import WorkerError
from ..events import Event
from ..inputs.prepare import Prepared, prepare_sample
from ..kv.capacity import rows_that_fit
from ..memory import memory_faults
from ..models import Model
from ..observe.capture import Recorder, check_policy
from ..protocol import GenerateCommand, GenerateSummary, RowEvent, SampleParameters, Timings, WorkerFault
from ..search import Search, create_search
from .edits import EditRequest, find_keys, request_edit
from .loop import decode
from .probes import first_tokens
from .queue import Job, Lane, Openings

_MEMORY_ADVICE = "generate fewer rows at once, shorten maxNewTokens or capture less"
# Lanes follow each other, and share what was prefilled: so many prompt tokens are held for them at once.
_HELD_TOKENS = 16384


class _Way(NamedTuple):
    """One search and contrast, with all rows that ask for them."""

    search: Search
    contrast: Contrast | None
    numbers: list[int]


@torch.inference_mode()
def generate(
    model: Model,
    command: GenerateCommand,
    hooks: Sequence[EditRequest],
    arrays: Sequence[np.ndarray],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> Iterator[Event]:
    """`hooks` are the model's installed ones, for rows that name no edits of their own."""
    started = time.perf_counter()
    requests = _check(model, command, hooks, arrays)
    probes = first_tokens(command.probes, model)
    ways = _group(model, command)
    prepared, faults = _prepare(model, command, arrays)
    jobs = _plan_jobs(model, command, requests, prepared)
    for way in ways:
        for number in way.numbers:
            if way.contrast is not None and number in jobs:
                way.contrast.check(model, prepared[jobs[number].sample])
    for number, row in enumerate(command.rows):
        if row.sample in faults:
            yield RowEvent(
                row=number,
                text="",
                token_ids=[],
                finish_reason="failed",
                alternatives=[],
                probes=[],
                fault=faults[row.sample],
            )

    openings = Openings(model, prepared, list(jobs.values()), should_stop, progress)
    attestation, contrasts = [], []
    generated_tokens = steps = 0
    with memory_faults(_MEMORY_ADVICE):
        for samples in _windows(prepared, several=len(ways) > 1):
            for way in ways:
                mine = [jobs[number] for number in way.numbers if number in jobs]
                lane = Lane(
                    openings, way.contrast, command.capture, [job for job in mine if job.sample in samples]
                )
                streams = Streams(way.contrast, model)
                recorder = None if command.capture is None else Recorder(command.capture, model)
                size = command.batch_size or _default_batch_size(model, mine, prepared, streams.count)
                yield from decode(
                    lane,
                    streams,
                    way.search,
                    recorder,
                    probes,
                    size,
                    command.stream,
                    should_stop,
                    progress,
                )
                attestation += lane.attestation
                contrasts += lane.contrasts
                generated_tokens += lane.generated_tokens
                steps += streams.steps
    waited = openings.vision_seconds + openings.prefill_seconds
    yield GenerateSummary(
        attestation=sorted(attestation, key=lambda one: one.row),
        contrasts=sorted(contrasts, key=lambda one: one.row),
        timings=Timings(
            vision_seconds=openings.vision_seconds,
            prefill_seconds=openings.prefill_seconds,
            decode_seconds=time.perf_counter() - started - waited,
            generated_tokens=generated_tokens,
            steps=steps,
        ),
    )


def _group(model: Model, command: GenerateCommand) -> list[_Way]:
    """In the order in which they are first asked for."""
    ways: dict[bytes, _Way] = {}
    for number, row in enumerate(command.rows):
        key = msgspec.msgpack.encode([_without_seed(row.search), row.contrast])
        if key not in ways:
            search = create_search(row.search, model)
            if command.capture is not None and not search.streams:
                raise WorkerError(
                    "bad-input",
                    "Attention can be captured under the searches greedy and sample only: beams are dropped "
                    "and forked on the way, and so would be their attention.",
                )
            contrast = None if row.contrast is None else create_contrast(row.contrast)
            ways[key] = _Way(search, contrast, [])
        ways[key].numbers.append(number)
    return list(ways.values())


def _without_seed(search: Any) -> Any:
    """The seed belongs to the row: rows of many seeds are sampled together."""
    return msgspec.structs.replace(search, seed=0) if isinstance(search, SampleParameters) else search


def _default_batch_size(
    model: Model, jobs: Sequence[Job], prepared: dict[int, Prepared], streams: int
) -> int:
    if not jobs:
        return 1
    own = max(job.tokens for job in jobs)
    openings = {job.opening for job in jobs}
    prompts = sum(_stored_keys(model, prepared[opening.sample]) for opening in openings)
    return rows_that_fit(model, own, prompts / len(jobs), streams)


def _stored_keys(model: Model, sample: Prepared) -> float:
    """Of its prompt, a layer."""
    cross = len(model.cross_layers)
    return ((model.layers - cross) * len(sample.ids) + cross * sample.keys.shared) / model.layers


def _windows(prepared: dict[int, Prepared], several: bool) -> Iterator[set[int]]:
    """Samples that are worked on together: all, but where several lanes need them, not too many are held."""
    if not several:
        yield set(prepared)
        return
    window: set[int] = set()
    tokens = 0
    for number, sample in prepared.items():
        if window and tokens + sample.size > _HELD_TOKENS:
            yield window
            window, tokens = set(), 0
        window.add(number)
        tokens += sample.size
    yield window


def _check(
    model: Model, command: GenerateCommand, hooks: Sequence[EditRequest], arrays: Sequence[np.ndarray]
) -> list[list[EditRequest]]:
    """The edits of every row; whatever is wrong with the command as a whole ends it here."""
    if not command.rows:
        raise WorkerError("bad-input", "The command has no rows; give at least one.")
    if command.capture is not None:
        check_policy(command.capture, model)
    for number, row in enumerate(command.rows):
        if row.sample >= len(command.samples):
            raise WorkerError(
                "bad-input",
                f"Row {number} continues sample {row.sample}, but there are {len(command.samples)} samples.",
            )
    return [
        list(hooks)
        if row.attention is None
        else [request_edit(edit, arrays, model) for edit in row.attention]
        for row in command.rows
    ]


def _prepare(
    model: Model, command: GenerateCommand, arrays: Sequence[np.ndarray]
) -> tuple[dict[int, Prepared], dict[int, WorkerFault]]:
    """By sample: a bad one fails its own rows only."""
    prepared: dict[int, Prepared] = {}
    faults: dict[int, WorkerFault] = {}
    for number, sample in enumerate(command.samples):
        try:
            prepared[number] = prepare_sample(model, sample, arrays)
        except WorkerError as error:
            faults[number] = WorkerFault(code=error.code, message=error.message, traceback="")
    return prepared, faults


def _plan_jobs(
    model: Model, command: GenerateCommand, requests: list[list[EditRequest]], prepared: dict[int, Prepared]
) -> dict[int, Job]:
    """By row. Every edit finds its keys before anything runs: one that would act on nothing is an error."""
    jobs = {}
    for number, row in enumerate(command.rows):
        if row.sample not in prepared:
            continue
        sample = prepared[row.sample]
        if command.capture is not None and command.capture.keys == "image" and not sample.keys.image:
            raise WorkerError(
                "bad-input", f"Row {number} has no image, so there is no attention to image keys."
            )
        edits = [
            (request, find_keys(request, _edited_keys(model, sample, request), sample.keys))
            for request in requests[number]
        ]
        seed = getattr(row.search, "seed", 0)
        jobs[number] = Job(number, row.sample, edits, row.search.max_new_tokens, seed)
    return jobs


def _edited_keys(model: Model, sample: Prepared, request: EditRequest) -> list[int]:
    reference = None if request.reference is None else len(request.reference)
    return model.edited_keys(sample.keys.image, request.parameters, reference)
