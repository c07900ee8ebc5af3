"""From samples to rows that can begin: each image is looked at once and each prompt prefilled once.

Rows whose edits change the prefill have one of their own, shared by those that change it alike.

That happens a few samples at a time, just before their first row begins, and what they hold goes with the
last one.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

import msgspec
import torch

from ..attention import PromptEdit, PromptEdits, RowEdit
from ..contrast import Contrast
from ..errors import Cancelled
from ..events import Event
from ..inputs.prepare import Prepared
from ..kv.prefix import Prefix, prefill
from ..models import Embedded, Model, VisionFeatures
from ..observe.capture import RowCapture, captured_layers
from ..protocol import (
    Attestation,
    AttestedEvent,
    CapturePolicy,
    ContrastAttestation,
    PrefilledEvent,
    PrefilledRow,
)
from ..text.stream import TextStream
from .edits import EditRequest, bind_edit
from .loop import Row

# Samples are opened at least so many tokens at a time: a short prompt alone would waste a pass.
_TOGETHER = 2048


class Opening(NamedTuple):
    """A prompt as it is prefilled, for all rows that edit its prefill alike: most do not at all."""

    sample: int
    edits: tuple[bytes, ...]  # of the prefill, encoded


@dataclass(frozen=True, eq=False)
class Job:
    """A row of the command that will be written."""

    number: int
    sample: int
    edits: list[tuple[EditRequest, list[int]]]  # each with the prompt positions it acts on
    tokens: int  # at most
    seed: int  # of its own random numbers

    @cached_property
    def opening(self) -> Opening:
        edits = [request.parameters for request, _ in self.edits if request.edits_prompt]
        return Opening(self.sample, tuple(map(msgspec.msgpack.encode, edits)))


class Openings:
    """What the samples of one command need to begin, shared by all its rows."""

    def __init__(
        self,
        model: Model,
        prepared: dict[int, Prepared],
        jobs: Sequence[Job],
        should_stop: Callable[[], bool],
        progress: Callable[[], None],
    ) -> None:
        self.model = model
        self.prepared = prepared
        self.should_stop = should_stop
        self.progress = progress
        self.vision_seconds = self.prefill_seconds = 0.0
        self._jobs: dict[Opening, list[Job]] = {}
        self._modes: dict[Hashable, set[str]] = {}  # of references, by image
        for job in jobs:
            self._jobs.setdefault(job.opening, []).append(job)
            image = prepared[job.sample].image
            if image is not None:
                modes = [mode for request, _ in job.edits for mode in request.extracted]
                self._modes.setdefault(image, set()).update(modes)
        self._unfinished = Counter(job.opening for job in jobs)
        self._unfinished_samples = Counter(job.sample for job in jobs)
        self._vision: dict[Hashable, VisionFeatures] = {}  # by image
        self._prefixes: dict[Opening, Prefix] = {}

    def is_open(self, opening: Opening) -> bool:
        return opening in self._prefixes

    def has_rows(self, sample: int) -> bool:
        """Whether any row of the sample is unfinished."""
        return sample in self._unfinished_samples

    def open(self, openings: Sequence[Opening]) -> Iterator[Event]:
        started = time.perf_counter()
        samples = [self.prepared[opening.sample] for opening in openings]
        for sample in samples:
            self._encode_image(sample)
        vision = self._seconds_since(started)
        prompts = [self._embed(sample) for sample in samples]
        keys = [sample.keys.image for sample in samples]
        edits = [self._edit_prompt(*pair) for pair in zip(openings, prompts, strict=True)]

        def plan(numbers: Sequence[int]) -> PromptEdits | None:
            chosen = [edits[number] for number in numbers]
            return PromptEdits(chosen) if any(chosen) else None

        opened = prefill(self.model, prompts, keys, self.should_stop, self.progress, plan)
        self._prefixes.update(zip(openings, opened, strict=True))
        total = self._seconds_since(started)
        self.vision_seconds += vision
        self.prefill_seconds += total - vision
        yield PrefilledEvent(
            rows=[
                _describe(job.number, self.prepared[job.sample])
                for opening in openings
                for job in self._jobs[opening]
            ],
            seconds=total,
        )

    def open_others(self, contrast: Contrast, samples: Sequence[int]) -> list[Prefix]:
        """What a contrast's second stream continues."""
        started = time.perf_counter()
        prepared = [self.prepared[sample] for sample in samples]
        vision = [None if sample.image is None else self._vision[sample.image] for sample in prepared]
        others = contrast.prefill(self.model, prepared, vision, self.should_stop, self.progress)
        self.prefill_seconds += self._seconds_since(started)
        return others

    def create_row(self, job: Job, other: Prefix | None, capture: CapturePolicy | None, told: int) -> Row:
        """`other`: what the second stream continues, where there is one."""
        model, sample = self.model, self.prepared[job.sample]
        prefix = self._prefixes[job.opening]
        other = other or prefix
        length = len(sample.ids)
        return Row(
            number=job.number,
            prompt=sample.ids,
            prefix=prefix,
            other=other,
            # The context may end before the answer does.
            limit=min(job.tokens, model.context_length - max(length, other.length + 1)),
            seed=job.seed,
            image_keys=sample.keys.image,
            edits=[self._bind(sample, *edit) for edit in job.edits],
            capture=None
            if capture is None
            else RowCapture(capture, captured_layers(capture, model), job.number, sample.keys),
            text=TextStream(model.tokenizer, model.stops.texts),
            told=told,
        )

    def finish(self, job: Job) -> None:
        """Lets go of what no unfinished row needs."""
        self._unfinished[job.opening] -= 1
        self._unfinished_samples[job.sample] -= 1
        if not self._unfinished[job.opening]:
            del self._unfinished[job.opening], self._prefixes[job.opening]
        if self._unfinished_samples[job.sample]:
            return
        del self._unfinished_samples[job.sample]
        image = self.prepared[job.sample].image
        if image is not None and all(
            self.prepared[other].image != image for other in self._unfinished_samples
        ):
            self._vision.pop(image, None)

    def _encode_image(self, sample: Prepared) -> None:
        if sample.image is None or sample.image in self._vision:
            return
        if self.should_stop():
            raise Cancelled
        assert sample.pixels is not None
        self._vision[sample.image] = self.model.encode_image(
            sample.pixels, frozenset(self._modes[sample.image])
        )
        self.progress()

    def _embed(self, sample: Prepared) -> Embedded:
        return self.model.embed(sample.ids, None if sample.image is None else self._vision[sample.image])

    def _bind(self, sample: Prepared, request: EditRequest, keys: list[int]) -> RowEdit:
        references = {} if sample.image is None else self._vision[sample.image].references
        return bind_edit(request, keys, sample.keys.shared, references, self.model)

    def _edit_prompt(self, opening: Opening, prompt: Embedded) -> list[PromptEdit]:
        """What its rows do to its prefill, all of them alike."""
        sample, job = self.prepared[opening.sample], self._jobs[opening][0]
        return [
            PromptEdit(
                edit=self._bind(sample, request, keys),
                first=self.model.behind_image(sample.ids, keys),
                order=self.model.prefilled_order(prompt),
            )
            for request, keys in job.edits
            if request.edits_prompt
        ]

    def _seconds_since(self, started: float) -> float:
        if self.model.device.type == "cuda":
            torch.cuda.synchronize(self.model.device)
        return time.perf_counter() - started


class Lane:
    """The waiting rows of one search and contrast, in the order of their samples."""

    def __init__(
        self,
        openings: Openings,
        contrast: Contrast | None,
        capture: CapturePolicy | None,
        jobs: Sequence[Job],
    ) -> None:
        self.attestation: list[Attestation] = []
        self.contrasts: list[ContrastAttestation] = []
        self.generated_tokens = 0
        self._openings = openings
        self._contrast = contrast
        self._capture = capture
        self._jobs = {job.number: job for job in jobs}
        self._queue = deque(sorted(jobs, key=lambda job: (job.sample, job.number)))
        self._others: dict[int, Prefix] = {}  # by sample
        self._told: dict[int, int] = {}  # tokens sent already of rows that begin anew

    def __bool__(self) -> bool:
        return bool(self._queue)

    def take(self, count: int) -> Generator[Event, None, list[Row]]:
        rows: list[Row] = []
        while self._queue and len(rows) < count:
            if not self._is_open(self._queue[0]):
                yield from self._open(count - len(rows))
            job = self._queue.popleft()
            told = self._told.pop(job.number, 0)
            rows.append(self._openings.create_row(job, self._others.get(job.sample), self._capture, told))
        return rows

    def give_back(self, row: Row) -> None:
        self._told[row.number] = max(row.told, len(row.ids))
        self._queue.appendleft(self._jobs[row.number])

    def attest(self, row: Row) -> Iterator[Event]:
        """Told before the row is: whoever keeps the row keeps with it what was done to it."""
        edits = [_attest(row, index) for index in range(len(row.edits))]
        contrast = None if self._contrast is None else _attest_contrast(row, self._contrast)
        self.attestation += edits
        self.contrasts += [] if contrast is None else [contrast]
        if edits or contrast is not None:
            yield AttestedEvent(row=row.number, edits=edits, contrast=contrast)

    def finish(self, row: Row) -> None:
        job = self._jobs[row.number]
        self.generated_tokens += len(row.ids)
        self._openings.finish(job)
        if not self._openings.has_rows(job.sample):
            self._others.pop(job.sample, None)

    def _is_open(self, job: Job) -> bool:
        return self._openings.is_open(job.opening) and not self._lacks_other(job.sample)

    def _lacks_other(self, sample: int) -> bool:
        return self._contrast is not None and self._contrast.second_stream and sample not in self._others

    def _open(self, count: int) -> Iterator[Event]:
        """What the next rows continue, so many or more."""
        openings = self._openings
        wanted: list[Opening] = []
        tokens = 0
        for place, job in enumerate(self._queue):
            if job.opening in wanted or self._is_open(job):
                continue
            if place >= count and tokens >= _TOGETHER:
                break
            wanted.append(job.opening)
            tokens += openings.prepared[job.sample].size
        closed = [opening for opening in wanted if not openings.is_open(opening)]
        if closed:
            yield from openings.open(closed)
        samples = [
            sample for sample in dict.fromkeys(sample for sample, _ in wanted) if self._lacks_other(sample)
        ]
        if samples and self._contrast is not None:
            others = openings.open_others(self._contrast, samples)
            self._others.update(zip(samples, others, strict=True))


def _describe(number: int, sample: Prepared) -> PrefilledRow:
    # Neighbouring positions differ from their own rank by the same amount: one group per run.
    runs = [
        [key for _, key in run]
        for _, run in groupby(enumerate(sample.keys.image), lambda pair: pair[1] - pair[0])
    ]
    return PrefilledRow(
        row=number, prompt_tokens=len(sample.ids), key_ranges=[(run[0], run[-1] + 1) for run in runs]
    )


def _attest(row: Row, index: int) -> Attestation:
    edit = row.edits[index]
    return Attestation(
        row=row.number,
        method=edit.name,
        hook=edit.hook,
        layers=sorted(edit.fired),
        steps=max(edit.fired.values(), default=0),
        applications=sum(edit.fired.values()),
        constant_reference=edit.constant,
    )


def _attest_contrast(row: Row, contrast: Contrast) -> ContrastAttestation:
    record = row.contrasted
    return ContrastAttestation(
        row=row.number,
        method=contrast.method,
        second_stream=record.second_stream,
        steps=record.steps,
        changed=record.changed,
        overruled=record.overruled,
    )
