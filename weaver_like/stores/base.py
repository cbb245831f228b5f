"""Interfaces of the stores: `Store` and its parts."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.job import (
    Callback,
    Claim,
    Job,
    JobDocuments,
    JobFilter,
    JobPage,
    LogEntry,
    Move,
    NewJob,
    Report,
    StoredJob,
)
from weaver_like.domain.package import Change, Deployed, Revision, RevisionSummary
from weaver_like.domain.requester import Requester
from weaver_like.domain.schedule import Firing, Schedule, ScheduleFilter, SchedulePage
from weaver_like.domain.step import Step

#: Most bytes of documents, logs and steps that one `JobTransfer.export` returns, unless a single job has more.
EXPORT_BYTES = 8 * 2**20


class JobStore(ABC):
    """Job records and the queue that they form."""

    @abstractmethod
    def add(self, new: NewJob, queue_limit: int) -> None:
        """Store an accepted job. Raises: ServerBusy, if `queue_limit` jobs wait already; nothing is stored then."""

    @abstractmethod
    def get(self, job_id: str) -> Job:
        """Raises: NoSuchJob."""

    @abstractmethod
    def get_documents(self, job_id: str) -> JobDocuments:
        """Request, results, error and statistics of a job. Raises: NoSuchJob."""

    @abstractmethod
    def find(self, wanted: JobFilter) -> JobPage:
        """Jobs, newest first; the cost of a page does not depend on how many are stored."""

    @abstractmethod
    def claim_next(self, worker: str, lease_until: datetime, queue: str | None = None) -> Claim | None:
        """Give the most urgent accepted job to a worker: set it to running, and increase its attempt by one.

        Args:
            worker: name of the worker, which owns the job until `lease_until`, or longer if it reports before that.
            queue: only jobs of this queue; None: of all queues.
        Returns: None if no job waits.
        """

    @abstractmethod
    def claim(self, job_id: str, worker: str, lease_until: datetime) -> Claim | None:
        """Give one job to a worker, as `claim_next` does; None if it does not wait: somebody else was first."""

    @abstractmethod
    def count_waiting(self, before: datetime) -> dict[str, int]:
        """Number of accepted jobs by queue that have not changed since a moment; queues without any are left out."""

    @abstractmethod
    def move(self, job_id: str, move: Move) -> bool:
        """Change the status if `status.MOVES` allows it; False, with no change, if another process was first.

        A final status puts the subscriber's callback into the outbox. Outcome, followers and lines of the log are kept
        in the same transaction.
        """

    @abstractmethod
    def report(self, job_id: str, attempt: int, report: Report) -> bool:
        """Renew the lease, keep progress and lines of the log.

        A report without a lease comes from the run tracker, for a run that was handed over; a worker sends none then.
        Returns: False, with no change, if the attempt no longer holds the job.
        """

    @abstractmethod
    def delete(self, job_id: str) -> bool:
        """Remove a finished job with everything that is kept about it, including its waiting callbacks.

        Returns: False if there is no such job, or it has not finished.
        """

    @abstractmethod
    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        """Running jobs whose lease has expired, or (with a prefix) whose worker's name starts with it."""

    @abstractmethod
    def find_finished(self, before: datetime, limit: int) -> list[str]:
        """Ids of jobs that finished before a moment."""


class JobLogs(ABC):
    """Logs of jobs. Lines that come with a move or a report are stored by these."""

    @abstractmethod
    def append(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        """Add lines at the end of a job's log; nothing happens if there is no such job."""

    @abstractmethod
    def read(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        """Lines with a number above `after`, oldest first. Raises: NoSuchJob."""


class StepStore(ABC):
    """Steps of jobs."""

    @abstractmethod
    def keep(self, job_id: str, attempt: int, steps: Sequence[Step]) -> None:
        """Store steps of a running job as they are now, in place of those with the same numbers.

        Nothing is stored if the job no longer belongs to this attempt.
        """

    @abstractmethod
    def find(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        """Steps of the job's last attempt with a number above `after`, in order. Raises: NoSuchJob."""


class FollowedRuns(ABC):
    """Runs of jobs in foreign systems: at most one for each job, whatever happens to its workers."""

    @abstractmethod
    def begin(self, run: FollowedRun) -> FollowedRun | None:
        """Record that an attempt is about to start the run of its job; `run` has no handle yet.

        Returns: the run that was recorded before, which may have been started even if it has no handle; `run` itself,
        if there was none; None, with no change, if the attempt no longer holds the job.
        """

    @abstractmethod
    def hand_over(self, job_id: str, attempt: int, handle: str, deadline: datetime | None) -> bool:
        """Store the handle of a run, and release its job from its worker and its lease; the job stays running.

        Returns: False, if the attempt no longer held the job.
        """

    @abstractmethod
    def find(self) -> list[tuple[FollowedRun, Job | None]]:
        """Every run that no worker attends to: handed over, or of a job that has finished or (None) was removed."""

    @abstractmethod
    def forget(self, job_id: str) -> None:
        """Remove a run that has ended."""


class Outbox(ABC):
    """Callbacks that wait to be delivered. `JobStore.move` puts those of a final status there."""

    @abstractmethod
    def add_progress(self, job_id: str, uri: str) -> None:
        """Put an inProgress callback into the outbox, unless one waits there already."""

    @abstractmethod
    def take(self, now: datetime, until: datetime, limit: int) -> list[Callback]:
        """Take callbacks that are due, oldest first. They are the caller's until `until`, and are due again then."""

    @abstractmethod
    def next_due(self) -> datetime | None:
        """When the next callback is due; None if the outbox is empty."""

    @abstractmethod
    def settle(self, callback_id: int, again: datetime | None) -> None:
        """Take a callback out of the outbox, or put it off until `again`."""


class Leaders(ABC):
    """Roles, each held by at most one of all processes on a store."""

    @abstractmethod
    def take(self, role: str, holder: str, until: datetime) -> bool:
        """Become, or stay, the holder of a role; False while another holds it.

        The role is free again at `until`, unless the holder takes it again before.
        """


class ScheduleStore(ABC):
    """Schedules; their jobs are in `JobStore`."""

    @abstractmethod
    def add(self, schedule: Schedule, most: int) -> None:
        """Store a new schedule. Raises: Conflict, if there are `most` already."""

    @abstractmethod
    def get(self, schedule_id: str) -> Schedule:
        """Raises: NoSuchSchedule."""

    @abstractmethod
    def find(self, wanted: ScheduleFilter) -> SchedulePage:
        """Schedules, newest first."""

    @abstractmethod
    def delete(self, schedule_id: str) -> bool:
        """Remove a schedule; its jobs stay. False if there is no such schedule."""

    @abstractmethod
    def due(self, now: datetime, limit: int) -> list[Schedule]:
        """Schedules that are due, the one that has waited longest first."""

    @abstractmethod
    def next_due(self) -> datetime | None:
        """When the next schedule is due; None if there is none."""

    @abstractmethod
    def fire(self, schedule: Schedule, firing: Firing, queue_limit: int) -> bool:
        """Store the outcome of `schedule.due`, and advance it to the next time.

        Of all callers that fire the same due moment, at the same time or after a crash, one gets True, and the job,
        whose id is `schedule.next_job_id`, is stored once. A store with transactions stores the job and advances `due`
        together. Another one advances `due` and puts the job into the schedule by one compare-and-set, and then stores
        the job. After a crash in between `next_due` does the rest, which the id makes safe to repeat. The id becomes
        `last_job_id` when the job is stored, not before.

        Returns: False if another caller was first, or the schedule has gone.
        Raises: ServerBusy, if there is a job to store and `queue_limit` others wait already; nothing is changed then.
        """


class DeploymentStore(ABC):
    """Deployed processes with all their revisions. Each process has a current revision."""

    @abstractmethod
    def get_number(self) -> int:
        """The number of the last change; 0: nothing was ever deployed.

        One small read, which every OS process makes about once a second.
        """

    @abstractmethod
    def get_deployed(self) -> Deployed:
        """The number, and every process with its current version, as they were at one moment."""

    @abstractmethod
    def get(self, process_id: str, version: str) -> Revision:
        """Raises: NoSuchProcess."""

    @abstractmethod
    def find_revisions(self, process_id: str, seen_by: Requester | None = None) -> list[RevisionSummary]:
        """Revisions of a process, the one deployed last first; empty if there is no such process.

        Args:
            seen_by: only those that this requester sees (`Requester.sees`); None: all of them.
        """

    @abstractmethod
    def find_moments(self) -> dict[tuple[str, str], datetime]:
        """When each revision, (process id, version), was deployed."""

    @abstractmethod
    def change(self, change: Change) -> bool:
        """Make a change as a whole. The number grows by one; an added revision replaces one with its id and version.

        Returns: False, with nothing changed, if the number is no longer `change.number`: another change was first.
        """


class JobTransfer(ABC):
    """Reads and writes whole jobs, to copy them from one store to another."""

    @abstractmethod
    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        """Whole jobs after a `Job.key`, oldest first.

        Returns: at most `limit`, fewer where they are large (`EXPORT_BYTES`); none at the end.
        """

    @abstractmethod
    def put(self, stored: Sequence[StoredJob]) -> None:
        """Store whole jobs as they are, in place of those with the same ids.

        They are stored in this order, so that an interruption leaves the first of them.
        """


class Store(ABC):
    """Everything that one database keeps; opened by its URL (`wiring.open_store`).

    A method of a part is one transaction, and any thread may call it. Every method raises Unavailable if the database
    does not answer, or has not been migrated.
    """

    jobs: JobStore
    logs: JobLogs
    steps: StepStore
    followed: FollowedRuns
    outbox: Outbox
    leaders: Leaders
    schedules: ScheduleStore
    deployments: DeploymentStore
    transfer: JobTransfer

    @abstractmethod
    def migrate(self) -> list[int]:
        """Bring the schema up to date. Returns: the numbers of the migrations that were applied, in order."""

    @abstractmethod
    def ping(self) -> None:
        """One small read, which may hang as long as the driver does.

        Raises: Unavailable, if the database does not answer, or has not been migrated.
        """

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""
