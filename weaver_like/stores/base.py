"""Interfaces of the stores: `Store`, and the parts that it is made of."""

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
    """Job records, and the queue that they make."""

    @abstractmethod
    def add(self, new: NewJob, queue_limit: int) -> None:
        """Keep an accepted job. Raises: ServerBusy, if `queue_limit` jobs wait already; nothing is kept then."""

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
        """Give the most urgent accepted job to a worker: it is running then, and its attempt has grown by one.

        Args:
            worker: name of the worker, which owns the job until `lease_until` unless it reports before.
            queue: only jobs of this queue; None: of all queues.
        Returns: None if no job waits.
        """

    @abstractmethod
    def count_waiting(self, before: datetime) -> dict[str, int]:
        """Number of accepted jobs by queue that nobody has touched since a moment; queues without any are left out."""

    @abstractmethod
    def move(self, job_id: str, move: Move) -> bool:
        """Change the status if `status.MOVES` allows it; False, with no change, if somebody else was first.

        A final status puts the subscriber's callback into the outbox. Outcome, followers and lines of the log are kept
        in the same transaction.
        """

    @abstractmethod
    def report(self, job_id: str, attempt: int, report: Report) -> bool:
        """Renew the lease, keep progress and lines of the log.

        Without a lease it is the report of who follows a run that was handed over: a worker may not send one then.
        Returns: False, with no change, if the attempt no longer holds the job.
        """

    @abstractmethod
    def delete(self, job_id: str) -> bool:
        """Remove a finished job with everything that is kept about it; its waiting callbacks have nothing to tell then.

        Returns: False if there is no such job, or it has not finished.
        """

    @abstractmethod
    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        """Running jobs whose lease has run out, or (with a prefix) whose worker's name starts with it."""

    @abstractmethod
    def find_finished(self, before: datetime, limit: int) -> list[str]:
        """Ids of jobs that finished before a moment."""


class JobLogs(ABC):
    """Logs of jobs. Lines that come with a move or a report are kept by those."""

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
        """Keep steps of a running job as they are now, in place of those with the same numbers.

        Nothing is kept if the job no longer belongs to this attempt.
        """

    @abstractmethod
    def find(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        """Steps of the job's last attempt with a number above `after`, in order. Raises: NoSuchJob."""


class FollowedRuns(ABC):
    """Runs of jobs in foreign systems: at most one for each job, whatever happens to its workers."""

    @abstractmethod
    def begin(self, run: FollowedRun) -> FollowedRun | None:
        """Keep that an attempt is about to start the run of its job; `run` has no handle yet.

        Returns: the run as it was kept before, which may have been started, even if it has no handle; `run` itself, if
        there was none; None, with no change, if the attempt no longer holds the job.
        """

    @abstractmethod
    def hand_over(self, job_id: str, attempt: int, handle: str, deadline: datetime | None) -> bool:
        """Keep the handle of a run, and let go of its job: it runs on, and no worker and no lease hold it.

        Returns: False, if the attempt did not hold the job any more.
        """

    @abstractmethod
    def find(self) -> list[tuple[FollowedRun, Job | None]]:
        """Every run that nobody else cares for: handed over, or of a job that has finished or (None) was removed."""

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
        """Callbacks that are due, oldest first. They belong to the caller until `until`, and are due again then."""

    @abstractmethod
    def next_due(self) -> datetime | None:
        """When the next callback is due; None if the outbox is empty."""

    @abstractmethod
    def settle(self, callback_id: int, again: datetime | None) -> None:
        """Take a callback out of the outbox, or put it off until `again`."""


class Leaders(ABC):
    """Roles of which there is one holder among all processes on a store."""

    @abstractmethod
    def take(self, role: str, holder: str, until: datetime) -> bool:
        """Become, or stay, the holder of a role; False while another holds it.

        The role is free again at `until`, unless the holder takes it once more before.
        """


class ScheduleStore(ABC):
    """Schedules, beside the jobs that come of them."""

    @abstractmethod
    def add(self, schedule: Schedule, most: int) -> None:
        """Keep a new schedule. Raises: Conflict, if there are `most` already."""

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
        """Keep what came of `schedule.due` and wait for the next time.

        Of all who fire the same due moment, at the same time or after a crash, one gets True, and the job, whose id
        is `schedule.next_job_id`, is kept once. A store with transactions keeps the job and advances `due` together.
        Another advances `due` and puts the job beside it by one compare-and-set, and then keeps the job; `next_due`
        completes what a crash left in between, and the id makes it harmless to do this twice. The id is the
        `last_job_id` once the job is there, not before.

        Returns: False if another was first, or the schedule is gone.
        Raises: ServerBusy, if there is a job and `queue_limit` others wait already; nothing is changed then.
        """


class DeploymentStore(ABC):
    """Deployed processes with all their revisions. A process that is there has a current revision."""

    @abstractmethod
    def get_number(self) -> int:
        """The number of the last change; 0: nothing was ever deployed.

        One small read, which every OS process makes once a second.
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

        Returns: False, with nothing changed, if the number is no longer `change.number`: another was first.
        """


class JobTransfer(ABC):
    """Whole jobs, on their way from one store to another."""

    @abstractmethod
    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        """Whole jobs, oldest first, that follow a `Job.key`.

        Returns: at most `limit`, fewer where they are large (`EXPORT_BYTES`); none at the end.
        """

    @abstractmethod
    def put(self, stored: Sequence[StoredJob]) -> None:
        """Keep whole jobs as they are, in place of those with the same ids.

        They are kept in this order, so that an interruption leaves the first of them.
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
        """Give back every connection."""
