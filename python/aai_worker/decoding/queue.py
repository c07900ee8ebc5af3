"""The queue of the rows that wait for a place in the batch, all of one search and one contrast."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence

from ..contrast import Contrast
from ..events import Event
from ..kv.prefix import Prefix
from ..protocol import Attestation, AttestedEvent, CapturePolicy, ContrastAttestation
from .loop import Row
from .prefill_cache import Job, PrefillCache, PromptVariant

# At least so many prompt tokens are prefilled at a time: a short prompt alone would waste a pass.
_PREFILLED_TOGETHER = 2048


class RowQueue:
    """The waiting rows of one search and contrast, in the order of their samples."""

    def __init__(
        self,
        prefills: PrefillCache,
        contrast: Contrast | None,
        capture: CapturePolicy | None,
        jobs: Sequence[Job],
    ) -> None:
        self.attestation: list[Attestation] = []
        self.contrasts: list[ContrastAttestation] = []
        self.generated_tokens = 0
        self._prefills = prefills
        self._contrast = contrast
        self._capture = capture
        self._jobs = {job.number: job for job in jobs}
        self._queue = deque(sorted(jobs, key=lambda job: (job.sample, job.number)))
        self._others: dict[int, Prefix] = {}  # by sample, the prefix in the second stream
        self._sent: dict[int, int] = {}  # by row that begins again, the number of tokens sent before

    def __bool__(self) -> bool:
        return bool(self._queue)

    def take(self, count: int) -> Generator[Event, None, list[Row]]:
        """Takes the next rows from the queue, `count` at most, and prefills what they need; yields events."""
        rows: list[Row] = []
        while self._queue and len(rows) < count:
            if not self._is_prefilled(self._queue[0]):
                yield from self._prefill(count - len(rows))
            job = self._queue.popleft()
            sent = self._sent.pop(job.number, 0)
            rows.append(self._prefills.create_row(job, self._others.get(job.sample), self._capture, sent))
        return rows

    def give_back(self, row: Row) -> None:
        """Puts a row back at the front of the queue; it will begin again."""
        self._sent[row.number] = max(row.sent, len(row.ids))
        self._queue.appendleft(self._jobs[row.number])

    def attest(self, row: Row) -> Iterator[Event]:
        """Yields the event that says what was done to a row; it is sent just before the row's own event.

        So whoever keeps the row can keep with it what was done to it.
        """
        edits = [_attest(row, index) for index in range(len(row.edits))]
        contrast = None if self._contrast is None else _attest_contrast(row, self._contrast)
        self.attestation += edits
        self.contrasts += [] if contrast is None else [contrast]
        if edits or contrast is not None:
            yield AttestedEvent(row=row.number, edits=edits, contrast=contrast)

    def finish(self, row: Row) -> None:
        """Drops what only this row needed."""
        job = self._jobs[row.number]
        self.generated_tokens += len(row.ids)
        self._prefills.finish(job)
        if not self._prefills.has_rows(job.sample):
            self._others.pop(job.sample, None)

    def _is_prefilled(self, job: Job) -> bool:
        return self._prefills.holds(job.variant) and not self._lacks_other(job.sample)

    def _lacks_other(self, sample: int) -> bool:
        """Whether the contrast has a second stream in which this sample is not prefilled."""
        return self._contrast is not None and self._contrast.second_stream and sample not in self._others

    def _prefill(self, count: int) -> Iterator[Event]:
        """Prefills what the next `count` rows need, and more rows while these are few prompt tokens."""
        prefills = self._prefills
        wanted: list[PromptVariant] = []
        tokens = 0
        for place, job in enumerate(self._queue):
            if job.variant in wanted or self._is_prefilled(job):
                continue
            if place >= count and tokens >= _PREFILLED_TOGETHER:
                break
            wanted.append(job.variant)
            tokens += prefills.prepared[job.sample].size
        missing = [variant for variant in wanted if not prefills.holds(variant)]
        if missing:
            yield from prefills.prefill(missing)
        samples = [
            sample for sample in dict.fromkeys(sample for sample, _ in wanted) if self._lacks_other(sample)
        ]
        if samples and self._contrast is not None:
            others = prefills.prefill_others(self._contrast, samples)
            self._others.update(zip(samples, others, strict=True))


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
    record = row.contrast_record
    return ContrastAttestation(
        row=row.number,
        method=contrast.method,
        second_stream=record.second_stream,
        steps=record.steps,
        changed=record.changed,
        overruled=record.overruled,
    )
