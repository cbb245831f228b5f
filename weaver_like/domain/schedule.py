"""A schedule: an execution that is submitted periodically, and the outcome of each time."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from weaver_like.domain.execution import Execution
from weaver_like.domain.job import NewJob, Origin, micros_of
from weaver_like.domain.process import Process
from weaver_like.domain.requester import PUBLIC, Requester


@dataclass(frozen=True, slots=True)
class Schedule:
    """An execution and its times; times are aware, UTC.

    Args:
        cron: five fields, or a macro.
        time_zone: IANA name, in which the fields are read.
        due: the next firing.
        last_fired: when it last fired, with or without a job.
        last_job_id: its last job.
        failure: why the last firing created no job, else None.
        base_url: public URL under which it was made, for links sent later.
        owner: id of the `Requester` that owns it; "": nobody.
        visibility: who may see it besides its owner (`domain.requester`).
    """

    id: str
    process_id: str
    cron: str
    time_zone: str
    execution: Execution
    created: datetime
    due: datetime
    last_fired: datetime | None = None
    last_job_id: str | None = None
    failure: str | None = None
    base_url: str = ""
    owner: str = ""
    visibility: str = PUBLIC

    @property
    def key(self) -> tuple[int, str]:
        """Where the schedule stands in a list: microseconds since 1970 of its creation, exact, then its id."""
        return micros_of(self.created), self.id

    @property
    def jobs_origin(self) -> Origin:
        """The origin of its jobs, which have the same owner."""
        return Origin(self.base_url, self.owner, self.visibility, self.id)

    @property
    def next_job_id(self) -> str:
        """Id of the job of the next firing: the same for all schedulers, so that no store keeps two jobs of one firing.

        A UUID of version 5, which distinguishes these jobs from others (`Job.schedule_id`). It can be computed from the
        schedule: who may see a schedule may see its jobs.
        """
        return str(uuid.uuid5(uuid.UUID(self.id), self.due.isoformat()))


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """A request for a schedule: what to execute, and when.

    Args:
        read: makes the execution for a process; raises InvalidInput.
    """

    process_id: str
    cron: str
    time_zone: str
    read: Callable[[Process], Execution]


@dataclass(frozen=True, slots=True)
class Firing:
    """The outcome of a schedule's due moment: a job, or a failure that says why there is none.

    Args:
        at: now.
        next_due: after `at`.
    """

    at: datetime
    next_due: datetime
    new: NewJob | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """Which schedules a list shows, newest first. Empty tuples and None do not filter.

    Args:
        after: `Schedule.key` of the last schedule of the page before.
        seen_by: only schedules that this requester sees (`Requester.sees`).
    """

    processes: tuple[str, ...] = ()
    after: tuple[int, str] | None = None
    limit: int = 10
    seen_by: Requester | None = None


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """One page of a list; more: True if further schedules follow."""

    schedules: tuple[Schedule, ...]
    more: bool
