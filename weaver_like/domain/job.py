"""A job and what is kept about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from weaver_like.domain.errors import WeaverError
from weaver_like.domain.execution import Execution
from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.requester import PUBLIC, Requester
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step

#: The queue of jobs whose process names none.
DEFAULT_QUEUE = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a job comes from, and who therefore owns it.

    Args:
        base_url: public URL under which it was submitted, for links sent later.
        owner, visibility: as of the `Job`.
        parent_id: the job or the schedule that submitted it.
    """

    base_url: str = ""
    owner: str = ""
    visibility: str = PUBLIC
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """The small record that lists are made of; times are aware, UTC.

    Args:
        progress: percent.
        priority: level; 0 is the most urgent.
        attempt: how often a worker has claimed it; it only grows, as it fences off late workers.
        losses: how many of these workers were lost.
        worker: name of the worker that runs it.
        parent_id: the job or the schedule that submitted it.
        base_url: public URL under which it was submitted, for links sent later.
        queue: only workers of this queue claim it.
        owner: id of the `Requester` that owns it; "": nobody.
        visibility: who may see it besides its owner (`domain.requester`).
    """

    id: str
    process_id: str
    status: Status
    created: datetime
    updated: datetime
    started: datetime | None = None
    finished: datetime | None = None
    progress: int = 0
    message: str = ""
    priority: int = 1
    attempt: int = 0
    losses: int = 0
    worker: str | None = None
    parent_id: str | None = None
    title: str | None = None
    base_url: str = ""
    queue: str = DEFAULT_QUEUE
    owner: str = ""
    visibility: str = PUBLIC

    @property
    def key(self) -> tuple[int, str]:
        """Where the job stands in a list: microseconds since 1970 of its creation, exact, then its id."""
        return micros_of(self.created), self.id

    @property
    def children_origin(self) -> Origin:
        """The origin of jobs that this one submits, or that follow it: they have the same owner."""
        return Origin(self.base_url, self.owner, self.visibility, self.id)

    @property
    def schedule_id(self) -> str | None:
        """The schedule that fired the job.

        Ids of such jobs are UUIDs of version 5 (`Schedule.next_job_id`), those of all others are of version 4.
        """
        return self.parent_id if self.id[14:15] == "5" else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class JobDocuments:
    """The large parts of a job, read only where they are shown."""

    execution: Execution = field(default_factory=Execution)
    results: tuple[Result, ...] = ()
    error: WeaverError | None = None
    traceback: str | None = None
    statistics: dict[str, Any] | None = None
    followers: tuple["Follower", ...] = ()


@dataclass(frozen=True, slots=True)
class Follower:
    """The next execution of a chain, submitted when the one before it was successful."""

    process_id: str
    execution: Execution


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be stored."""

    job: Job
    execution: Execution
    followers: tuple[Follower, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows, newest first. Empty tuples and None do not filter.

    Args:
        created_from, created_to: both inclusive.
        min_duration, max_duration: running jobs count to now; if either is set, jobs that have not started are left out
            (Part 1, /req/job-list/duration-response).
        after: `Job.key` of the last job of the page before.
        seen_by: only jobs that this requester sees (`Requester.sees`).
    """

    processes: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None
    min_duration: timedelta | None = None
    max_duration: timedelta | None = None
    after: tuple[int, str] | None = None
    limit: int = 10
    seen_by: Requester | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a job's log. number: counts from 1 within the job; 0 before the line is kept."""

    at: datetime
    level: int
    message: str
    percent: int | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: results, or an error with the traceback of the child."""

    results: tuple[Result, ...] = ()
    error: WeaverError | None = None
    traceback: str | None = None
    statistics: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a job's status, and what is kept with it.

    Args:
        attempt: the attempt of the caller; nothing changes if there was a later one. None: any attempt.
        message: replaces the message of the job.
        outcome: None leaves results and error as they are.
        followers: jobs that follow this one, created at the moment of the move.
        entries: lines for the log.
        counted: whether a move back to accepted counts as a loss of the worker; False if the job was only stopped.
    """

    to: Status
    attempt: int | None = None
    message: str = ""
    outcome: Outcome | None = None
    followers: Sequence[NewJob] = ()
    entries: Sequence[LogEntry] = ()
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """A sign of life of a running job, and what is kept with it.

    Args:
        lease_until: end of the worker's lease, unless it reports again before; None: no worker holds the job.
        percent: progress; None leaves it as it is.
        message: None leaves it as it is.
        entries: lines for the log.
    """

    lease_until: datetime | None
    percent: int | None = None
    message: str | None = None
    entries: Sequence[LogEntry] = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """A message that waits to be delivered to a subscriber: kind is "success", "inProgress" or "failed"."""

    id: int
    job_id: str
    kind: str
    uri: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class WaitingCallback:
    """A callback in the outbox, as it is copied with its job between stores. due: when it is tried next."""

    kind: str
    uri: str
    attempts: int
    due: datetime


@dataclass(frozen=True, slots=True)
class StoredJob:
    """Everything that a store keeps of one job.

    Args:
        place: in the queue; the smallest is the most urgent.
        lease: end of its worker's lease; None if no worker holds it.
        steps: of the last attempt.
        run: in a foreign system.
    """

    job: Job
    documents: JobDocuments
    place: int
    lease: datetime | None = None
    log: tuple[LogEntry, ...] = ()
    callbacks: tuple[WaitingCallback, ...] = ()
    steps: tuple[Step, ...] = ()
    run: FollowedRun | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker has just claimed, with what it needs to run it."""

    job: Job
    execution: Execution
    followers: tuple[Follower, ...] = ()


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of a list; more: True if further jobs follow."""

    jobs: tuple[Job, ...]
    more: bool
