"""One generate command, start to end: all checked, images looked at, prompts prefilled, rows decoded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch

from .attention import RowEdit
from .batch import prefill
from .capture import Recorder, RowCapture, check_policy
from .contrast import Streams, create_contrast, open_streams
from .decode import Row, decode
from .edits import EditRequest, bind_edit, find_keys, request_edit
from .errors import Cancelled, WorkerError
from .events import Event
from .memory import memory_faults
from .models import Embedded, Look, Model
from .prepare import Prepared, prepare_sample
from .probe import Probe
from .protocol import (
    Attestation,
    GenerateCommand,
    GenerateSummary,
    PrefilledEvent,
    PrefilledRow,
    RowEvent,
    Timings,
    WorkerFault,
)
from .search import create_search
from .text import TextStream

_MEMORY_ADVICE = "generate fewer rows at once, shorten maxNewTokens or capture less"


class _Job(NamedTuple):
    """A row that will run."""

    number: int
    sample: int
    edits: list[tuple[EditRequest, list[int]]]  # each with the prompt positions it acts on


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
    clock = _Clock()
    requests = _check(model, command, hooks, arrays)
    search = create_search(command.search, model)
    probe = Probe(search, command.probes, model)
    if command.capture is not None and not search.streams:
        raise WorkerError(
            "bad-input",
            "Attention can be captured under the searches greedy and sample only: beams are dropped and "
            "forked on the way, and so would be their attention.",
        )
    prepared, faults = _prepare(model, command, arrays)
    jobs = _plan_jobs(model, command, requests, prepared)
    contrast = None if command.contrast is None else create_contrast(command.contrast)
    if contrast is not None:
        for job in jobs:
            contrast.check(model, prepared[job.sample])
    for number, row in enumerate(command.rows):
        if row.sample in faults:
            yield RowEvent(
                row=number,
                text="",
                token_ids=[],
                finish_reason="failed",
                alternatives=[],
                fault=faults[row.sample],
            )
    if not jobs:
        yield clock.summary([], steps=0)
        return

    with memory_faults(_MEMORY_ADVICE):
        looks = _look(model, jobs, prepared, should_stop, progress)
        clock.vision = clock.lap(model.device)
        samples = sorted({job.sample for job in jobs})
        prompts = [_embed(model, prepared[sample], looks) for sample in samples]
        batch = prefill(model, prompts, should_stop, progress)
        batch.select([samples.index(job.sample) for job in jobs])
        recorder = None if command.capture is None else Recorder(command.capture, model.layers)
        width = max(len(prompt.embedded) for prompt in prompts)
        rows = [_create_row(model, command, job, prepared[job.sample], looks, width) for job in jobs]
        streams: Streams = batch
        if contrast is not None:
            continued = [prepared[job.sample] for job in jobs]
            streams = open_streams(contrast, model, batch, continued, should_stop, progress)
            for one, length in zip(rows, streams.prompt_lengths(), strict=True):
                one.limit = min(one.limit, model.context_length - length)
        clock.prefill = clock.lap(model.device)
    yield PrefilledEvent(
        rows=[_describe_prefix(job.number, prepared[job.sample]) for job in jobs],
        seconds=clock.vision + clock.prefill,
    )

    with memory_faults(_MEMORY_ADVICE):
        yield from decode(rows, streams, probe, recorder, should_stop, progress)
    yield from probe.events()
    clock.decode = clock.lap(model.device)
    yield clock.summary(rows, batch.steps)


def _check(
    model: Model, command: GenerateCommand, hooks: Sequence[EditRequest], arrays: Sequence[np.ndarray]
) -> list[list[EditRequest]]:
    """The edits of every row; whatever is wrong with the command as a whole ends it here."""
    if not command.rows:
        raise WorkerError("bad-input", "The command has no rows; give at least one.")
    if command.capture is not None:
        check_policy(command.capture, model.layers, model.heads)
    for number, row in enumerate(command.rows):
        if row.sample >= len(command.samples):
            raise WorkerError(
                "bad-input",
                f"Row {number} continues sample {row.sample}, but there are {len(command.samples)} samples.",
            )
    return [
        list(hooks)
        if row.attention is None
        else [request_edit(edit, arrays, model.layers) for edit in row.attention]
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
) -> list[_Job]:
    """Every edit finds its keys before anything runs: one that would act on nothing is an error."""
    jobs = []
    for number, row in enumerate(command.rows):
        if row.sample not in prepared:
            continue
        sample = prepared[row.sample]
        if command.capture is not None and command.capture.keys == "image" and not sample.image_keys:
            raise WorkerError(
                "bad-input", f"Row {number} has no image, so there is no attention to image keys."
            )
        edits = [
            (request, find_keys(request, _edited_keys(model, sample, request), len(sample.ids)))
            for request in requests[number]
        ]
        jobs.append(_Job(number, row.sample, edits))
    return jobs


def _edited_keys(model: Model, sample: Prepared, request: EditRequest) -> list[int]:
    reference = None if request.reference is None else len(request.reference)
    return model.edited_keys(sample.image_keys, request.parameters, reference)


def _look(
    model: Model,
    jobs: list[_Job],
    prepared: dict[int, Prepared],
    should_stop: Callable[[], bool],
    progress: Callable[[], None],
) -> dict[int, Look]:
    """One vision pass per image, however many rows share it, with the references that they need."""
    modes: dict[int, set[str]] = {}
    pixels = {}
    for job in jobs:
        sample = prepared[job.sample]
        if sample.image is None:
            continue
        pixels[sample.image] = sample.pixels
        needed = {request.mode for request, _ in job.edits}
        modes.setdefault(sample.image, set()).update(mode for mode in needed if mode is not None)
    looks = {}
    for image, values in pixels.items():
        if should_stop():
            raise Cancelled
        looks[image] = model.look(values, frozenset(modes[image]))
        progress()
    return looks


def _embed(model: Model, sample: Prepared, looks: dict[int, Look]) -> Embedded:
    return model.embed(sample.ids, None if sample.image is None else looks[sample.image])


def _create_row(
    model: Model, command: GenerateCommand, job: _Job, sample: Prepared, looks: dict[int, Look], width: int
) -> Row:
    """`width`: length of the longest prompt, to which the others are padded on the left."""
    padding = width - len(sample.ids)
    references = {} if sample.image is None else looks[sample.image].references
    capture = None
    if command.capture is not None:
        capture = RowCapture(command.capture, model.layers, job.number, padding, sample.image_keys)
    return Row(
        number=job.number,
        prompt=sample.ids,
        # The context may end before the answer does.
        limit=min(command.search.max_new_tokens, model.context_length - len(sample.ids)),
        image_columns=[padding + key for key in sample.image_keys],
        edits=[bind_edit(request, keys, padding, references, model.device) for request, keys in job.edits],
        capture=capture,
        text=TextStream(model.tokenizer, model.stops.texts),
    )


def _describe_prefix(number: int, sample: Prepared) -> PrefilledRow:
    # Neighbouring positions differ from their own rank by the same amount: one group per run.
    runs = [
        [key for _, key in run]
        for _, run in groupby(enumerate(sample.image_keys), lambda pair: pair[1] - pair[0])
    ]
    return PrefilledRow(
        row=number, prompt_tokens=len(sample.ids), key_ranges=[(run[0], run[-1] + 1) for run in runs]
    )


class _Clock:
    """Seconds per phase."""

    def __init__(self) -> None:
        self.vision = self.prefill = self.decode = 0.0
        self._last = time.perf_counter()

    def lap(self, device: torch.device) -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        before, self._last = self._last, time.perf_counter()
        return self._last - before

    def summary(self, rows: list[Row], steps: int) -> GenerateSummary:
        return GenerateSummary(
            attestation=[_attest(row.number, edit) for row in rows for edit in row.edits],
            timings=Timings(
                vision_seconds=self.vision,
                prefill_seconds=self.prefill,
                decode_seconds=self.decode,
                generated_tokens=sum(len(row.ids) for row in rows),
                steps=steps,
            ),
        )


def _attest(row: int, edit: RowEdit) -> Attestation:
    return Attestation(
        row=row,
        method=edit.method,
        hook=edit.hook,
        layers=sorted(edit.fired),
        steps=max(edit.fired.values(), default=0),
        applications=sum(edit.fired.values()),
        constant_reference=edit.constant,
    )
