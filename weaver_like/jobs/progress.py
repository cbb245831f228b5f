"""What a running job says: kept in batches, a few a second, and those who listen are told that there is something new."""
import logging
import time
from datetime import UTC, datetime, timedelta

from weaver_like.domain.job import Claim, LogEntry
from weaver_like.domain.masks import clean
from weaver_like.engines.base import Link
from weaver_like.runtime import Runtime

_BATCH_S = 0.25


class Reporter:
    """Progress, log lines and lease of one claimed job. due: `time.monotonic()` at which `flush` is wanted."""

    def __init__(self, rt: Runtime, claim: Claim, link: Link):
        self._rt = rt
        self._job = claim.job
        self._in_progress_uri = claim.execution.subscriber.in_progress_uri if claim.execution.subscriber else None
        self._link = link
        self._percent: int | None = None
        self._message: str | None = None
        self._entries: list[LogEntry] = []
        self._lines = 0
        self._flushed = 0.0
        self._lease_due = time.monotonic() + rt.settings.engine.lease_s / 3

    @property
    def due(self) -> float:
        pending = self._entries or self._percent is not None or self._message is not None
        return min(self._lease_due, self._flushed + _BATCH_S) if pending else self._lease_due

    def log(self, message: str, level: int = logging.INFO) -> None:
        """Add a line; beyond `jobs.log_lines` lines are counted, not kept."""
        self._lines += 1
        limit = self._rt.settings.jobs.log_lines
        if self._lines > limit:
            return
        text = clean(message, 10000) if self._lines < limit else f"The log is full: of the lines after this one none is kept (jobs.log_lines is {limit})."
        entry = LogEntry(datetime.now(UTC), level, text, self._percent)
        self._entries.append(entry)

    def progress(self, percent: int, message: str | None) -> None:
        self._percent = min(100, max(0, percent))
        self._message = clean(message, 1000) if message else self._message
        self._publish({"kind": "progress", "progress": self._percent, "message": self._message or ""})

    def flush(self) -> bool:
        """Keep what was said and renew the lease; False if the job is not ours any more: it was dismissed or taken over."""
        now = time.monotonic()
        self._flushed, self._lease_due = now, now + self._rt.settings.engine.lease_s / 3
        percent, message, entries = self._percent, self._message, self.take()
        held = self._rt.jobs.report(self._job.id, self._job.attempt, lease_end(self._rt), percent=percent, message=message, entries=entries)
        if entries:
            self._publish({"kind": "log"})
        if held and percent is not None and self._in_progress_uri:
            self._rt.jobs.notify_progress(self._job.id, self._in_progress_uri)
            self._publish({"kind": "progress", "progress": percent, "message": message or "", "outbox": True})
        return held

    def started(self) -> None:
        """Tell the subscribers that the job runs."""
        if self._in_progress_uri:
            self._rt.jobs.notify_progress(self._job.id, self._in_progress_uri)
        self._publish({"kind": "status", "status": "running", "outbox": bool(self._in_progress_uri)})

    def take(self) -> list[LogEntry]:
        """Log lines that were not kept yet; the caller keeps them."""
        entries, self._entries, self._percent, self._message = self._entries, [], None, None
        return entries

    def _publish(self, event: dict) -> None:
        self._link.publish({"job": self._job.id} | event)


def lease_end(rt: Runtime) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=rt.settings.engine.lease_s)
