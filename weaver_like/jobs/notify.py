"""The courier: delivers callbacks from the outbox, with retries, beside the jobs and never in their way."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import NoSuchJob, Unavailable, WeaverError
from weaver_like.domain.events import fills_outbox
from weaver_like.domain.job import Callback, LogEntry
from weaver_like.domain.masks import clean, shown
from weaver_like.engines.base import EVERY_JOB, Engine, Subscription
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: Seconds before each further attempt; after the last one the callback is given up, and the job's log says so.
RETRY_S = (1, 5, 30, 120, 600, 3600, 6 * 3600)
#: One at a time: a courier that stops in between keeps no other callback waiting.
_BATCH = 1
#: So long a callback is a courier's own; if it died meanwhile, another takes over.
_TAKEN_S = 120


class Courier(threading.Thread):
    """render: (callback) -> body of the message, JSON. Woken by events of the engine and by the time of the next retry."""

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
        """Until a moment, or until a callback may be there."""
        while not self._stopping:
            event = events.next((due - datetime.now(UTC)).total_seconds())
            if event is None or fills_outbox(event):
                return

    def stop(self) -> None:
        self._stopping = True
        self._subscription.wake()

    def _look(self) -> datetime:
        """Deliver; a store that is away is looked at again a little later, for nobody else would."""
        try:
            return self._deliver()
        except Unavailable as error:
            return datetime.now(UTC) + timedelta(seconds=error.retry_after_s)

    def _deliver(self) -> datetime:
        """Send what is due; when to look again."""
        while batch := self._take():
            for callback in batch:
                if self._stopping:
                    return datetime.now(UTC)
                self._send(callback)
        return self._rt.store.outbox.next_due() or datetime.now(UTC) + timedelta(hours=1)

    def _take(self) -> list[Callback]:
        now = datetime.now(UTC)
        return self._rt.store.outbox.take(now, now + timedelta(seconds=_TAKEN_S), _BATCH)

    def _send(self, callback: Callback) -> None:
        try:
            failure = self._rt.notifier.send(callback.uri, self._render(callback), "application/json")
        except NoSuchJob:
            return self._rt.store.outbox.settle(callback.id, None)
        except WeaverError as error:
            failure = error.detail
        except Exception as error:  # one odd subscriber must not silence the courier for all others
            log.exception("callback of job %s", callback.job_id)
            failure = f"{type(error).__name__}: {error}"
        if failure is None:
            return self._rt.store.outbox.settle(callback.id, None)
        if callback.attempts < len(RETRY_S):
            again = datetime.now(UTC) + timedelta(seconds=RETRY_S[callback.attempts])
            return self._rt.store.outbox.settle(callback.id, again)
        log.warning("callback of job %s to %s given up: %s", callback.job_id, shown(callback.uri), failure)
        told = clean(f"Callback {callback.kind} was given up: {failure}.", 1000)
        self._rt.store.logs.append(callback.job_id, [LogEntry(datetime.now(UTC), logging.WARNING, told)])
        return self._rt.store.outbox.settle(callback.id, None)
