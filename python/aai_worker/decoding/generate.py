"""One generate command, start to end: all is checked, then rows are decoded, group by group."""

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
from .edits import EditRequest, find_positions, request_edit
from .loop import decode
from .prefill_cache import Job, PrefillCache
from .probes import first_tokens
from .queue import RowQueue

_MEMORY_ADVICE = "generate fewer rows at once, shorten maxNewTokens or capture less"
# Groups of rows are decoded one after the other and share prefills. If there are several groups, so many
# prompt tokens are held at once.
_HELD_TOKENS = 16384


class _RowGroup(NamedTuple):
    """The rows that ask for the same search and contrast, which are decoded together."""

    search: Search
    contrast: Contrast | None
    numbers: list[int]  # of the rows, in the command


@torch.inference_mode()
def generate(
    model: Model,
    command: GenerateCommand,
    hooks: Sequence[EditRequest],
    arrays: Sequence[np.ndarray],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> Iterator[Event]:
    """Yields the events of a command's rows, in the order that `events` describes.

    `hooks` are the edits installed in the model, for rows that name no edits of their own. Raises WorkerError
    where the command as a whole cannot be done, Cancelled once `should_stop` says so. `progress` is called
    after every forward pass.
    """
    started = time.perf_counter()
    requests = _check(model, command, hooks, arrays)
    probes = first_tokens(command.probes, model)
    groups = _group_rows(model, command)
    prepared, faults = _prepare(model, command, arrays)
    jobs = _plan_jobs(model, command, requests, prepared)
    for group in groups:
        for number in group.numbers:
            if group.contrast is not None and number in jobs:
                group.contrast.check(model, prepared[jobs[number].sample])
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

    prefills = PrefillCache(model, prepared, list(jobs.values()), should_stop, progress)
    attestation, contrasts = [], []
    generated_tokens = steps = 0
    with memory_faults(_MEMORY_ADVICE):
        for samples in _windows(prepared, several=len(groups) > 1):
            for group in groups:
                mine = [jobs[number] for number in group.numbers if number in jobs]
                queue = RowQueue(
                    prefills, group.contrast, command.capture, [job for job in mine if job.sample in samples]
                )
                streams = Streams(group.contrast, model)
                recorder = None if command.capture is None else Recorder(command.capture, model)
                size = command.batch_size or _default_batch_size(model, mine, prepared, streams.count)
                yield from decode(
                    queue,
                    streams,
                    group.search,
                    recorder,
                    probes,
                    size,
                    command.stream,
                    should_stop,
                    progress,
                )
                attestation += queue.attestation
                contrasts += queue.contrasts
                generated_tokens += queue.generated_tokens
                steps += streams.steps
    waited = prefills.vision_seconds + prefills.prefill_seconds
    yield GenerateSummary(
        attestation=sorted(attestation, key=lambda one: one.row),
        contrasts=sorted(contrasts, key=lambda one: one.row),
        timings=Timings(
            vision_seconds=prefills.vision_seconds,
            prefill_seconds=prefills.prefill_seconds,
            decode_seconds=time.perf_counter() - started - waited,
            generated_tokens=generated_tokens,
            steps=steps,
        ),
    )


def _group_rows(model: Model, command: GenerateCommand) -> list[_RowGroup]:
    """The groups of the command's rows, in the order of their first rows."""
    groups: dict[bytes, _RowGroup] = {}
    for number, row in enumerate(command.rows):
        key = msgspec.msgpack.encode([_without_seed(row.search), row.contrast])
        if key not in groups:
            search = create_search(row.search, model)
            if command.capture is not None and not search.streams:
                raise WorkerError(
                    "bad-input",
                    "Attention can be captured under the searches greedy and sample only: beams are dropped "
                    "and forked on the way, and so would be their attention.",
                )
            contrast = None if row.contrast is None else create_contrast(row.contrast)
            groups[key] = _RowGroup(search, contrast, [])
        groups[key].numbers.append(number)
    return list(groups.values())


def _without_seed(search: Any) -> Any:
    """The search without its seed, which belongs to the row: rows of many seeds are sampled together."""
    return msgspec.structs.replace(search, seed=0) if isinstance(search, SampleParameters) else search


def _default_batch_size(
    model: Model, jobs: Sequence[Job], prepared: dict[int, Prepared], streams: int
) -> int:
    """As many rows as fit into the free memory. `streams`: 2 where rows have a second stream."""
    if not jobs:
        return 1
    own = max(job.tokens for job in jobs)
    variants = {job.variant for job in jobs}
    prompts = sum(_stored_keys(model, prepared[variant.sample]) for variant in variants)
    return rows_that_fit(model, own, prompts / len(jobs), streams)


def _stored_keys(model: Model, sample: Prepared) -> float:
    """The keys that a layer holds of the sample's prompt, the mean over layers."""
    cross = len(model.cross_layers)
    return ((model.layers - cross) * len(sample.ids) + cross * sample.positions.shared) / model.layers


def _windows(prepared: dict[int, Prepared], several: bool) -> Iterator[set[int]]:
    """The numbers of the samples that are worked on together.

    They are all samples, unless `several` groups need them: then their tokens are `_HELD_TOKENS` at most.
    """
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
    """The requested edits of every row. Raises WorkerError where the command as a whole is wrong."""
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
    """The prepared samples and the faults of the others, by number: a bad sample fails its own rows only."""
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
    """The jobs by row number. Raises WorkerError where an edit would act on nothing, before anything runs."""
    jobs = {}
    for number, row in enumerate(command.rows):
        if row.sample not in prepared:
            continue
        sample = prepared[row.sample]
        if command.capture is not None and command.capture.keys == "image" and not sample.positions.image:
            raise WorkerError(
                "bad-input", f"Row {number} has no image, so there is no attention to image keys."
            )
        edits = [
            (request, find_positions(request, _edited_positions(model, sample, request), sample.positions))
            for request in requests[number]
        ]
        seed = getattr(row.search, "seed", 0)
        jobs[number] = Job(number, row.sample, edits, row.search.max_new_tokens, seed)
    return jobs


def _edited_positions(model: Model, sample: Prepared, request: EditRequest) -> list[int]:
    """The key positions that the edit acts on by default."""
    reference = None if request.reference is None else len(request.reference)
    return model.edited_positions(sample.positions.image, request.parameters, reference)
