"""The courier delivers callbacks from the outbox, with retries; no job waits for it."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import NoSuchJob, Unavailable, WeaverError
from weaver_like.domain.events import fills_outbox
from weaver_like.domain.formats import JSON
from weaver_like.domain.job import Callback, LogEntry
from weaver_like.domain.masks import clean, shown
from weaver_like.engines.base import EVERY_JOB, Engine, Subscription
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: Seconds before each further attempt; after the last one the callback is abandoned, and the job's log says so.
RETRY_S = (1, 5, 30, 120, 600, 3600, 6 * 3600)
#: One at a time: a courier that is stopped in between delays no other callback.
_BATCH = 1
#: How long a callback belongs to the courier that took it; if that courier dies, another one then takes it over.
_TAKEN_S = 120


class Courier(threading.Thread):
    """Delivers callbacks; woken by events of the engine, and when the next retry is due.

    Args:
        render: makes the JSON body of the message.
    """

    def __init__(self, rt: Runtime, engine: Engine, render: Callable[[Callback], bytes]):
        super().__init__(name="courier", daemon=True)
        self._rt = rt
        self._engine = engine
        self._render = render
        self._stopping = False
        self._subscription = engine.subscribe(EVERY_JOB)

    def run(self) -> None:
        with self._subscription as events:
            while not self._stopping:
                due = self._look()
                self._wait(events, due)

    def _wait(self, events: Subscription, due: datetime) -> None:
        """Wait until a moment, or until there may be a callback."""
        while not self._stopping:
            event = events.next((due - datetime.now(UTC)).total_seconds())
            if event is None or fills_outbox(event):
                return

    def stop(self) -> None:
        self._stopping = True
        self._subscription.wake()

    def _look(self) -> datetime:
        """Deliver what is due; when to look again: if the store is unavailable, a little later."""
        try:
            return self._deliver()
        except Unavailable as error:
            return datetime.now(UTC) + timedelta(seconds=error.retry_after_s)

    def _deliver(self) -> datetime:
        """Deliver what is due; when to look again. Raises: Unavailable."""
        outbox = self._rt.store.outbox
        while batch := self._take():
            for callback in batch:
                if self._stopping:
                    return datetime.now(UTC)
                outbox.settle(callback.id, self._send(callback))
        return outbox.next_due() or datetime.now(UTC) + timedelta(hours=1)

    def _take(self) -> list[Callback]:
        now = datetime.now(UTC)
        return self._rt.store.outbox.take(now, now + timedelta(seconds=_TAKEN_S), _BATCH)

    def _send(self, callback: Callback) -> datetime | None:
        """Send one callback; when to try again, None if that is not necessary or given up. Raises: Unavailable."""
        failure = self._try_to_send(callback)
        if failure is None:
            return None
        if callback.attempts < len(RETRY_S):
            return datetime.now(UTC) + timedelta(seconds=RETRY_S[callback.attempts])
        log.warning("callback of job %s to %s abandoned: %s", callback.job_id, shown(callback.uri), failure)
        message = clean(f"Callback {callback.kind} was abandoned: {failure}.", 1000)
        self._rt.store.logs.append(callback.job_id, [LogEntry(datetime.now(UTC), logging.WARNING, message)])
        return None

    def _try_to_send(self, callback: Callback) -> str | None:
        """Why the callback was not delivered; None if it was, or if its job was removed."""
        try:
            return self._rt.notifier.send(callback.uri, self._render(callback), JSON)
        except NoSuchJob:
            return None
        except WeaverError as error:
            return error.detail
        except Exception as error:  # one odd subscriber must not silence the courier for all others
            log.exception("callback of job %s", callback.job_id)
            return f"{type(error).__name__}: {error}"
