"""What a running job reports: stored in batches, a few a second; listeners are told that there is something new."""

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import Unavailable
from weaver_like.domain.events import LogExtended, ProgressMade, StatusChanged, StepsChanged
from weaver_like.domain.job import Claim, LogEntry, Report
from weaver_like.domain.masks import Secrets, clean
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step
from weaver_like.engines.base import JobLink
from weaver_like.runtime import Runtime

_BATCH_S = 0.25
#: Most changes of steps in one batch that listeners are told of.
_MOST_TOLD = 100
#: Pause before the next try while the store is away.
_AWAY_S = 1.0


class Reporter:
    """Progress, log lines and lease of one claimed job. due: `time.monotonic()` at which `flush` is wanted.

    leased: False for a run that is followed: no lease holds its job.  secrets: of the job; nothing that is told shows
    them.
    """

    def __init__(self, rt: Runtime, claim: Claim, link: JobLink, leased: bool = True):
        self._rt = rt
        self._job = claim.job
        self._in_progress_uri = claim.execution.subscriber.in_progress_uri if claim.execution.subscriber else None
        self._link = link
        self.secrets = Secrets(claim.execution.secret_values())
        self._percent: int | None = None
        self._message: str | None = None
        self._entries: list[LogEntry] = []
        self._steps: dict[int, Step] = {}
        self._steps_due = float("inf")
        self._lines = 0
        self._flushed = 0.0
        self._leased = leased
        self._lease_due = self._next_lease()

    @property
    def due(self) -> float:
        return min(self._steps_due, self._report_due)

    @property
    def _report_due(self) -> float:
        pending = self._entries or self._percent is not None or self._message is not None
        return min(self._lease_due, self._flushed + _BATCH_S) if pending else self._lease_due

    def log(self, message: str, level: int = logging.INFO) -> None:
        """Add a line; beyond `jobs.log_lines` lines are counted, not kept."""
        self._lines += 1
        limit = self._rt.settings.jobs.log_lines
        if self._lines > limit:
            return
        text = (
            clean(self.secrets.mask(message), 10000)
            if self._lines < limit
            else f"The log is full: no line after this one is kept (jobs.log_lines is {limit})."
        )
        entry = LogEntry(datetime.now(UTC), level, text, self._percent)
        self._entries.append(entry)

    def progress(self, percent: int, message: str | None) -> None:
        self._percent = min(100, max(0, percent))
        self._message = clean(self.secrets.mask(message), 1000) if message else self._message
        self._link.publish(ProgressMade(self._job.id, self._percent, self._message or ""))

    def step(self, step: Step) -> None:
        """Note the state of a step, to be stored a little later, when most commands have ended."""
        if not self._steps:
            self._steps_due = time.monotonic() + _BATCH_S
        self._steps[step.number] = step

    def keep_steps(self) -> None:
        """Store the noted steps. Raises: Unavailable; they stay noted then."""
        if not self._steps:
            return
        steps = sorted(self._steps.values(), key=lambda step: step.number)
        self._rt.store.steps.keep(self._job.id, self._job.attempt, steps)
        self._steps, self._steps_due = {}, float("inf")
        shown = tuple(replace(step, command="", tail=()) for step in steps[-_MOST_TOLD:])
        self._link.publish(StepsChanged(self._job.id, shown))

    def flush(self) -> bool:
        """Keep what was said and renew the lease; False if the job was dismissed or taken over."""
        now = time.monotonic()
        if now >= self._steps_due:
            try:
                self.keep_steps()
            except Unavailable:
                self._steps_due = now + _AWAY_S
        if now < self._report_due:
            return True
        self._flushed, self._lease_due = now, self._next_lease()
        percent, message, entries = self._percent, self._message, self.take()
        try:
            report = Report(lease_end(self._rt) if self._leased else None, percent, message, entries)
            held = self._rt.store.jobs.report(self._job.id, self._job.attempt, report)
        except Unavailable:  # the job goes on, and everything is stored when the store is back
            self._percent, self._message, self._entries = percent, message, entries
            self._flushed = now + _AWAY_S - _BATCH_S
            self._lease_due = now + _AWAY_S
            return True
        if entries:
            self._link.publish(LogExtended(self._job.id))
        if held and percent is not None and self._in_progress_uri:
            self._notify(self._in_progress_uri)
            self._link.publish(ProgressMade(self._job.id, percent, message or "", outbox=True))
        return held

    def _next_lease(self) -> float:
        """When the lease is to be renewed."""
        return time.monotonic() + self._rt.settings.engine.lease_s / 3 if self._leased else float("inf")

    def started(self) -> None:
        """Tell the subscribers that the job runs."""
        if self._in_progress_uri:
            self._notify(self._in_progress_uri)
        self._link.publish(StatusChanged(self._job.id, Status.RUNNING, outbox=bool(self._in_progress_uri)))

    def _notify(self, uri: str) -> None:
        try:
            self._rt.store.outbox.add_progress(self._job.id, uri)
        except Unavailable:
            pass  # the next progress replaces this one anyway

    def take(self) -> list[LogEntry]:
        """Take the log lines that are not stored yet; the caller stores them."""
        entries, self._entries, self._percent, self._message = self._entries, [], None, None
        return entries

    def put_back(self, entries: list[LogEntry]) -> None:
        """Keep lines for later that were taken and could not be stored."""
        self._entries = entries + self._entries


def lease_end(rt: Runtime) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=rt.settings.engine.lease_s)
