"""`RunTracker`: follows the runs of jobs in foreign systems, hundreds at a time."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import JobDismissed, Unavailable
from weaver_like.domain.events import JobEvent
from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.job import Job
from weaver_like.domain.status import Status
from weaver_like.engines.base import Engine, Interruption, JobLink
from weaver_like.jobs.following import Following
from weaver_like.jobs.run import RunStopped
from weaver_like.runners.base import FollowedRunner
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: The role of the process that follows the runs of a store.
TRACKER = "tracker"
#: Pause between two looks at the store, and how many of these pauses the lead lasts.
_LOOK_S, _LEAD_LOOKS = 1.0, 10
#: Concurrent calls of foreign systems, most of whose time is waiting.
_TALKS = 16
#: Most looks a second, at all runs together. Each run is looked at after a tenth of its age, within these bounds.
_LOOKS_PER_S = 100
_SHORTEST_S, _LONGEST_S = 1.0, 30.0


class TrackerLink(JobLink):
    """To the engine of this process."""

    def __init__(self, engine: Engine, stopped: threading.Event):
        self._engine = engine
        self._stopped = stopped

    def publish(self, event: JobEvent) -> None:
        self._engine.publish(event)

    def submitted(self, job_id: str, queue: str) -> None:
        self._engine.submit(job_id, queue)

    def interruption(self, job_id: str) -> Interruption | None:
        return Interruption.STOPPED if self._stopped.is_set() else None


@dataclass(slots=True)
class _Tracked:
    """due: `time.monotonic()` of the next look.  status: of the job at the last one.  busy: a thread attends to it."""

    following: Following
    due: float = 0.0
    status: Status | None = None
    busy: bool = False


class RunTracker(threading.Thread):
    """One thread in each server and each host of workers; of all those on one store, only the leader does the work.

    Its state is in the store: the next leader, after a restart or a crash, follows the same runs.

    holder: name under which this process leads.
    """

    def __init__(self, rt: Runtime, holder: str):
        super().__init__(name="tracker", daemon=True)
        self._rt = rt
        self._holder = holder
        self._ending = threading.Event()
        self._link = TrackerLink(rt.serving_engine, self._ending)
        self._tracked: dict[str, _Tracked] = {}
        self._leads_until = float("-inf")

    def run(self) -> None:
        if not any(isinstance(runner, FollowedRunner) for runner in self._rt.runners.values()):
            return
        with ThreadPoolExecutor(_TALKS, "tracker") as talks:
            while not self._ending.is_set():
                try:
                    self._look(talks)
                except Unavailable:  # the store has logged it
                    pass
                except Exception:  # this thread must go on
                    log.exception("the tracker failed")
                self._ending.wait(_LOOK_S)
            talks.shutdown(cancel_futures=True)
        self._give_back_the_lead()

    def stop(self) -> None:
        self._ending.set()

    def _look(self, talks: ThreadPoolExecutor) -> None:
        """Have threads attend to the runs that are due."""
        if not self._lead():
            return
        found = self._rt.store.followed.find()
        names = {run.job_id for run, _ in found}
        self._tracked = {name: one for name, one in self._tracked.items() if one.busy or name in names}
        shortest_s = max(_SHORTEST_S, len(found) / _LOOKS_PER_S)
        for run, job in found:
            tracked = self._tracked.setdefault(run.job_id, _Tracked(Following(self._rt, self._link)))
            status = job.status if job is not None else None
            if not tracked.busy and (tracked.status is not status or time.monotonic() >= tracked.due):
                tracked.busy, tracked.status = True, status
                talks.submit(self._attend, tracked, run, job, shortest_s)

    def _attend(self, tracked: _Tracked, run: FollowedRun, job: Job | None, shortest_s: float) -> None:
        """Attend to one run, in a thread of the pool."""
        try:
            if not self._ending.is_set():
                tracked.following.attend(run, job)
        except Unavailable as error:
            log.warning("job %s: %s", run.job_id, error.detail)
        except (JobDismissed, RunStopped):
            pass
        except Exception:  # one run must not stop the others
            log.exception("job %s cannot be followed", run.job_id)
        age_s = (datetime.now(UTC) - run.begun).total_seconds()
        tracked.due = time.monotonic() + max(shortest_s, min(age_s / 10, _LONGEST_S))
        tracked.busy = False

    def _lead(self) -> bool:
        """Whether this process leads; renews the lead in time."""
        lead_s, now = _LOOK_S * _LEAD_LOOKS, time.monotonic()
        if now < self._leads_until - lead_s / 2:
            return True
        taken = self._rt.store.leaders.take(TRACKER, self._holder, datetime.now(UTC) + timedelta(seconds=lead_s))
        self._leads_until = now + lead_s if taken else float("-inf")
        return taken

    def _give_back_the_lead(self) -> None:
        """So that the next leader need not wait until the lead expires."""
        try:
            if self._leads_until > float("-inf"):
                self._rt.store.leaders.take(TRACKER, self._holder, datetime.now(UTC))
        except Unavailable:
            pass
