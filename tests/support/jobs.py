"""Jobs for the tests of stores, and the moves of their lives."""

import logging
from datetime import UTC, datetime, timedelta

from weaver_like.domain.execution import Execution
from weaver_like.domain.ids import new_job_id
from weaver_like.domain.job import Callback, Job, LogEntry, Move, NewJob
from weaver_like.domain.status import Status
from weaver_like.stores.base import Store

T0 = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
SECOND = timedelta(seconds=1)
PLENTY = 10**6


#: How a job comes into each status, from "accepted".
PATHS = {
    Status.ACCEPTED: (),
    Status.RUNNING: (Status.RUNNING,),
    Status.SUCCESSFUL: (Status.RUNNING, Status.SUCCESSFUL),
    Status.FAILED: (Status.RUNNING, Status.FAILED),
    Status.DISMISSED: (Status.DISMISSED,),
}


def new(
    created: datetime = T0,
    process: str = "echo",
    execution: Execution | None = None,
    followers: tuple = (),
    **more: object,
) -> NewJob:
    return NewJob(
        Job(more.pop("id", None) or new_job_id(), process, Status.ACCEPTED, created, created, **more),
        execution or Execution(),
        followers,
    )


def add(store: Store, *created: datetime, **more: object) -> list[str]:
    ids = []
    for moment in created or (T0,):
        entry = new(moment, **more)
        store.jobs.add(entry, PLENTY)
        ids.append(entry.job.id)
    return ids


def until() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def line(text: str, percent: int | None = None) -> LogEntry:
    return LogEntry(T0, logging.INFO, text, percent)


def in_status(store: Store, status: Status) -> str:
    (job_id,) = add(store)
    for step in PATHS[status]:
        if step is Status.RUNNING:
            assert store.jobs.claim_next("w1", until()).job.id == job_id
        else:
            assert store.jobs.move(job_id, Move(step))
    assert store.jobs.get(job_id).status is status
    return job_id


def take(store: Store, now: datetime) -> list[Callback]:
    return store.outbox.take(now, now + SECOND * 99, 10)
