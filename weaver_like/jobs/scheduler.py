"""The scheduler: fires schedules when they are due."""

import logging
import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import Unavailable, WeaverError
from weaver_like.domain.job import NewJob
from weaver_like.domain.masks import Secrets, clean
from weaver_like.domain.schedule import Firing, Schedule
from weaver_like.engines.base import SCHEDULES
from weaver_like.jobs.cron import next_firing
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.submit import check_execution, keeping, new_job
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: Longest pause between two looks, and so the longest delay of a schedule that another process has made.
_LOOK_S = 15.0
_BATCH = 50


class Scheduler(threading.Thread):
    """One thread in each server and each host of workers.

    There is no leader: the store gives each firing to one scheduler, a look costs no more than a claim to lead would,
    and no firing waits until the lead of a dead process expires.
    """

    def __init__(self, rt: Runtime):
        super().__init__(name="scheduler", daemon=True)
        self._rt = rt
        self._stopping = False
        self._subscription = rt.serving_engine.subscribe(SCHEDULES)

    def run(self) -> None:
        with self._subscription as events:
            while not self._stopping:
                pause_s = _LOOK_S
                try:
                    pause_s = self._look()
                except Unavailable:  # the store has logged it
                    pass
                # One odd schedule must not keep the others waiting: the next look begins with another one.
                except Exception:
                    log.exception("the scheduler failed")
                events.next(pause_s)

    def stop(self) -> None:
        self._stopping = True
        self._subscription.wake()

    def _look(self) -> float:
        """Fire what is due; seconds until the next look."""
        due = self._rt.store.schedules.next_due()
        while due is not None and due <= datetime.now(UTC):
            batch = self._rt.store.schedules.due(datetime.now(UTC), _BATCH)
            random.shuffle(batch)  # several schedulers begin at different ends
            for schedule in batch:
                if self._stopping:
                    return 0
                fire(self._rt, schedule)
            due = self._rt.store.schedules.next_due()
        if due is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, (due - datetime.now(UTC)).total_seconds()))


def fire(rt: Runtime, schedule: Schedule) -> bool:
    """Submit the job of a due schedule, or store why there is none; False if another scheduler was first.

    Missed firings count as one, which is made up for if the last of them is younger than `jobs.schedule_catch_up_s`.
    Raises: Unavailable; the schedule stays due then.
    """
    now = datetime.now(UTC)
    firing = Firing(now, next_firing(schedule.cron, schedule.time_zone, now))
    queue_limit = rt.settings.limits.queue
    try:
        firing = _with_job(rt, schedule, firing)
        fired = rt.store.schedules.fire(schedule, firing, queue_limit)
    except Unavailable:
        raise
    except WeaverError as error:  # the process is gone, the inputs do not fit any more, the queue is full
        firing = replace(firing, new=None, failure=clean(_hidden(schedule, error.detail), 1000))
        fired = rt.store.schedules.fire(schedule, firing, queue_limit)
    if fired and firing.new:
        job = firing.new.job
        log.info("schedule %s fired: job %s of %s", schedule.id, job.id, job.process_id)
        rt.serving_engine.submit(job.id, job.queue)
    elif fired:
        log.warning("schedule %s of %s created no job: %s", schedule.id, schedule.process_id, firing.failure)
    return fired


def _hidden(schedule: Schedule, text: str) -> str:
    return Secrets(schedule.execution.secret_values()).mask(text)


def _with_job(rt: Runtime, schedule: Schedule, firing: Firing) -> Firing:
    """The firing with its job, or with the reason why it is too late. Raises: as `check_execution`, NoSuchProcess."""
    if _is_late(rt, schedule, firing.at):
        return replace(firing, failure=f"No scheduler was running at {schedule.due.isoformat()}.")
    return replace(firing, new=_new_job(rt, schedule))


def _is_late(rt: Runtime, schedule: Schedule, now: datetime) -> bool:
    earliest = now - timedelta(seconds=rt.settings.jobs.schedule_catch_up_s)
    return schedule.due < earliest and next_firing(schedule.cron, schedule.time_zone, earliest) > now


def _new_job(rt: Runtime, schedule: Schedule) -> NewJob:
    """Raises: as `check_execution`, NoSuchProcess."""
    entry = rt.catalog.get(schedule.process_id)
    check_execution(rt, entry, schedule.execution, OwnResults(rt, schedule.base_url))
    job = new_job(rt, schedule.process_id, schedule.execution, schedule.jobs_origin, entry.process.unit.queue)
    return NewJob(replace(job, id=schedule.next_job_id), keeping(entry.process, schedule.execution))
