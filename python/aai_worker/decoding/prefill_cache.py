"""What rows need to begin: every image is encoded once and every prompt is prefilled once, for all its rows.

Rows with an edit that changes the prefill get a prefill of their own; rows that change it alike share it.

A few samples are prefilled at a time, just before their first row begins. What they hold is dropped with
their last row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
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
from ..protocol import CapturePolicy, PrefilledEvent, PrefilledRow
from ..text.stream import TextStream
from .edits import EditRequest, bind_edit
from .loop import Row


class PromptVariant(NamedTuple):
    """A sample's prompt with the edits of its prefill. Rows of one variant share one prefix."""

    sample: int
    edits: tuple[bytes, ...]  # the parameters of the edits that change the prefill, encoded; mostly none


@dataclass(frozen=True, eq=False)
class Job:
    """A row of the command that will be written."""

    number: int  # of the row, in the command
    sample: int
    edits: list[tuple[EditRequest, list[int]]]  # each with the key positions that it edits
    tokens: int  # the most tokens of the answer
    seed: int  # of the row's own random numbers

    @cached_property
    def variant(self) -> PromptVariant:
        edits = [request.parameters for request, _ in self.edits if request.edits_prompt]
        return PromptVariant(self.sample, tuple(map(msgspec.msgpack.encode, edits)))


class PrefillCache:
    """The vision features and prefixes of one command's samples, kept while unfinished rows need them."""

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
        self._jobs: dict[PromptVariant, list[Job]] = {}
        self._modes: dict[Hashable, set[str]] = {}  # by image, the modes of the references that rows need
        for job in jobs:
            self._jobs.setdefault(job.variant, []).append(job)
            image = prepared[job.sample].image
            if image is not None:
                modes = [mode for request, _ in job.edits for mode in request.extracted]
                self._modes.setdefault(image, set()).update(modes)
        self._unfinished = Counter(job.variant for job in jobs)
        self._unfinished_samples = Counter(job.sample for job in jobs)
        self._vision: dict[Hashable, VisionFeatures] = {}  # by image
        self._prefixes: dict[PromptVariant, Prefix] = {}

    def holds(self, variant: PromptVariant) -> bool:
        """Whether the variant is prefilled."""
        return variant in self._prefixes

    def has_rows(self, sample: int) -> bool:
        """Whether any row of the sample is unfinished."""
        return sample in self._unfinished_samples

    def prefill(self, variants: Sequence[PromptVariant]) -> Iterator[Event]:
        """Prefills variants that are not held yet, and yields the event that says so. Raises Cancelled."""
        started = time.perf_counter()
        samples = [self.prepared[variant.sample] for variant in variants]
        for sample in samples:
            self._encode_image(sample)
        vision = self._seconds_since(started)
        prompts = [self._embed(sample) for sample in samples]
        positions = [sample.positions.image for sample in samples]
        edits = [self._edit_prompt(*pair) for pair in zip(variants, prompts, strict=True)]

        def plan(numbers: Sequence[int]) -> PromptEdits | None:
            chosen = [edits[number] for number in numbers]
            return PromptEdits(chosen) if any(chosen) else None

        prefixes = prefill(self.model, prompts, positions, self.should_stop, self.progress, plan)
        self._prefixes.update(zip(variants, prefixes, strict=True))
        total = self._seconds_since(started)
        self.vision_seconds += vision
        self.prefill_seconds += total - vision
        yield PrefilledEvent(
            rows=[
                _describe(job.number, self.prepared[job.sample])
                for variant in variants
                for job in self._jobs[variant]
            ],
            seconds=total,
        )

    def prefill_others(self, contrast: Contrast, samples: Sequence[int]) -> list[Prefix]:
        """The prefixes of these samples in the contrast's second stream. The caller keeps them."""
        started = time.perf_counter()
        prepared = [self.prepared[sample] for sample in samples]
        vision = [None if sample.image is None else self._vision[sample.image] for sample in prepared]
        others = contrast.prefill(self.model, prepared, vision, self.should_stop, self.progress)
        self.prefill_seconds += self._seconds_since(started)
        return others

    def create_row(self, job: Job, other: Prefix | None, capture: CapturePolicy | None, sent: int) -> Row:
        """A row that is ready to begin.

        `other` is its prefix in the second stream, None without one. `sent` is how many of its tokens the
        caller has from an earlier beginning.
        """
        model, sample = self.model, self.prepared[job.sample]
        prefix = self._prefixes[job.variant]
        other = other or prefix
        length = len(sample.ids)
        return Row(
            number=job.number,
            prompt=sample.ids,
            prefix=prefix,
            other_prefix=other,
            # The model's context may end before the answer does.
            limit=min(job.tokens, model.context_length - max(length, other.length + 1)),
            seed=job.seed,
            image_positions=sample.positions.image,
            edits=[self._bind(sample, *edit) for edit in job.edits],
            capture=None
            if capture is None
            else RowCapture(capture, captured_layers(capture, model), job.number, sample.positions),
            text=TextStream(model.tokenizer, model.stops.texts),
            sent=sent,
        )

    def finish(self, job: Job) -> None:
        """Drops what no unfinished row needs any more, now that this one is finished."""
        self._unfinished[job.variant] -= 1
        self._unfinished_samples[job.sample] -= 1
        if not self._unfinished[job.variant]:
            del self._unfinished[job.variant], self._prefixes[job.variant]
        if self._unfinished_samples[job.sample]:
            return
        del self._unfinished_samples[job.sample]
        image = self.prepared[job.sample].image
        if image is not None and all(
            self.prepared[other].image != image for other in self._unfinished_samples
        ):
            self._vision.pop(image, None)

    def _encode_image(self, sample: Prepared) -> None:
        """Encodes the sample's image, unless it has none or it is encoded already."""
        if sample.image is None or sample.image in self._vision:
            return
        if self.should_stop():
            raise Cancelled
        assert sample.pixels is not None
        modes = frozenset(self._modes[sample.image])
        self._vision[sample.image] = self.model.encode_image(sample.pixels, modes)
        self.progress()

    def _embed(self, sample: Prepared) -> Embedded:
        return self.model.embed(sample.ids, None if sample.image is None else self._vision[sample.image])

    def _bind(self, sample: Prepared, request: EditRequest, positions: list[int]) -> RowEdit:
        references = {} if sample.image is None else self._vision[sample.image].references
        return bind_edit(request, positions, sample.positions.shared, references, self.model)

    def _edit_prompt(self, variant: PromptVariant, prompt: Embedded) -> list[PromptEdit]:
        """The edits of the variant's prefill; all its rows have the same."""
        sample, job = self.prepared[variant.sample], self._jobs[variant][0]
        return [
            PromptEdit(
                edit=self._bind(sample, request, positions),
                first=self.model.behind_image(sample.ids, positions),
                order=self.model.prefilled_order(prompt),
            )
            for request, positions in job.edits
            if request.edits_prompt
        ]

    def _seconds_since(self, started: float) -> float:
        """Seconds since the `time.perf_counter` value `started`, after the GPU has done its work."""
        if self.model.device.type == "cuda":
            torch.cuda.synchronize(self.model.device)
        return time.perf_counter() - started


def _describe(number: int, sample: Prepared) -> PrefilledRow:
    # In a run of neighbouring positions every position minus its index is the same number: one group per run.
    runs = [
        [key for _, key in run]
        for _, run in groupby(enumerate(sample.positions.image), lambda pair: pair[1] - pair[0])
    ]
    return PrefilledRow(
        row=number, prompt_tokens=len(sample.ids), key_ranges=[(run[0], run[-1] + 1) for run in runs]
    )
