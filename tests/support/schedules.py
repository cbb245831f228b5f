"""Schedules for the tests of stores."""

import uuid
from datetime import UTC, datetime, timedelta

from weaver_like.domain.execution import Execution
from weaver_like.domain.job import Job, NewJob
from weaver_like.domain.schedule import Firing, Schedule
from weaver_like.domain.status import Status
from weaver_like.stores.base import ScheduleStore

T0 = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
DUE = datetime(2024, 5, 6, 8, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
PLENTY = 10**6


def new(created: datetime = T0, process: str = "echo", due: datetime = DUE, **more: object) -> Schedule:
    return Schedule(
        more.pop("id", None) or str(uuid.uuid4()),
        process,
        "0 * * * *",
        "Europe/Berlin",
        more.pop("execution", Execution()),
        created,
        due,
        **more,
    )


def add(schedules: ScheduleStore, *made: Schedule) -> list[str]:
    for schedule in made:
        schedules.add(schedule, PLENTY)
    return [schedule.id for schedule in made]


def job_of(schedule: Schedule) -> NewJob:
    return NewJob(
        Job(schedule.next_job_id, schedule.process_id, Status.ACCEPTED, DUE, DUE, parent_id=schedule.id),
        schedule.execution,
    )


def fire(schedules: ScheduleStore, schedule: Schedule, queue_limit: int = PLENTY, failure: str | None = None) -> bool:
    return schedules.fire(
        schedule, Firing(DUE + SECOND, schedule.due + HOUR, None if failure else job_of(schedule), failure), queue_limit
    )
