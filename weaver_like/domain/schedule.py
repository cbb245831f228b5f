"""A schedule: an execution that is submitted again and again, and what comes of each time."""

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
    """When and what; times are aware, UTC.

    Args:
        cron: five fields, or a macro.
        time_zone: IANA name; the fields are read there.
        due: the next firing.
        last_fired: when it last fired, whatever came of it.
        last_job_id: the last job that came of it.
        failure: why nothing came of the last firing, else None.
        base_url: public URL under which it was made, for links sent later.
        owner: id of the `Requester` whose it is; "" is nobody's.
        visibility: who sees it besides its owner (`domain.requester`).
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
        """Jobs of a schedule are its owner's."""
        return Origin(self.base_url, self.owner, self.visibility, self.id)

    @property
    def next_job_id(self) -> str:
        """Id of the job of the next firing: everybody who fires it makes the same one, so that no store keeps two.

        A UUID of version 5, which tells these jobs from others (`Job.schedule_id`). Whoever may see a schedule may see
        its jobs.
        """
        return str(uuid.uuid5(uuid.UUID(self.id), self.due.isoformat()))


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """What a client wants to be executed, and when.

    Args:
        read: makes the execution, once the process is known; raises InvalidInput.
    """

    process_id: str
    cron: str
    time_zone: str
    read: Callable[[Process], Execution]


@dataclass(frozen=True, slots=True)
class Firing:
    """What comes of a schedule's due moment: a job, or a failure that says why there is none.

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
        seen_by: only what this requester sees (`Requester.sees`).
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
