"""Interfaces of the stores."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from weaver_like.domain.job import (
    Callback,
    Claim,
    Job,
    JobDocuments,
    JobFilter,
    JobPage,
    LogEntry,
    NewJob,
    Outcome,
    StoredJob,
)
from weaver_like.domain.package import Change, Deployed, Revision, RevisionSummary
from weaver_like.domain.schedule import Firing, Schedule, ScheduleFilter, SchedulePage
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step

#: Documents and logs of the jobs that one `JobStore.export` gives together, unless a single job has more.
EXPORT_BYTES = 8 * 2**20


class JobStore(ABC):
    """Job records, their logs and the outbox of callbacks. One method is one transaction; any thread may call.

    Every method raises Unavailable if the database is away.
    """

    @abstractmethod
    def migrate(self) -> list[int]:
        """Bring the schema up to date; the numbers of the migrations that were applied, in order."""

    @abstractmethod
    def ping(self) -> None:
        """One small read. Raises: Unavailable, if the store does not answer or holds no tables; may hang as long as its driver does."""

    @abstractmethod
    def close(self) -> None:
        """Give back every connection."""

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
        """Make the most urgent accepted job (of one queue, or of all) `worker`'s own (running, attempt + 1); None if none waits."""

    @abstractmethod
    def count_waiting(self, before: datetime) -> dict[str, int]:
        """Queue -> how many accepted jobs wait there and have not been touched since a moment; queues without any are left out."""

    @abstractmethod
    def move(
        self,
        job_id: str,
        to: Status,
        *,
        attempt: int | None = None,
        message: str = "",
        outcome: Outcome | None = None,
        followers: Sequence[NewJob] = (),
        entries: Sequence[LogEntry] = (),
        counted: bool = True,
    ) -> bool:
        """Change the status if `status.MOVES` allows it; False, with no change, if another was first.

        attempt: the claim that the caller holds; a later claim, or None for a client's own wish, decides otherwise.
        counted: a move back to accepted is a loss of the worker; False, if the job was only stopped.
        A final status puts the subscriber's callback into the outbox; followers (created at this moment) and log
        entries are kept in the same transaction.
        """

    @abstractmethod
    def report(
        self,
        job_id: str,
        attempt: int,
        lease_until: datetime,
        *,
        percent: int | None = None,
        message: str | None = None,
        entries: Sequence[LogEntry] = (),
    ) -> bool:
        """Renew the lease, keep progress and log lines; False if the job is not this attempt's any more."""

    @abstractmethod
    def append_log(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        """Add lines at the end of a job's log."""

    @abstractmethod
    def read_log(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        """Lines with a number above `after`, oldest first. Raises: NoSuchJob."""

    @abstractmethod
    def keep_steps(self, job_id: str, attempt: int, steps: Sequence[Step]) -> None:
        """Keep steps of a job as they are now, in place of those with the same numbers; nothing, if the job is not this attempt's any more."""

    @abstractmethod
    def find_steps(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        """Steps of the job's last attempt with a number above `after`, in the order of their numbers. Raises: NoSuchJob."""

    @abstractmethod
    def delete(self, job_id: str) -> bool:
        """Remove a finished job with its log and steps; a callback that waits has then nothing to tell. False if it was not there or not finished."""

    @abstractmethod
    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        """Running jobs whose lease ran out, or (with a prefix) whose worker's name starts with it."""

    @abstractmethod
    def find_finished(self, before: datetime, limit: int) -> list[str]:
        """Ids of jobs that finished before a moment."""

    @abstractmethod
    def notify_progress(self, job_id: str, uri: str) -> None:
        """Put an inProgress callback into the outbox, unless one waits there already."""

    @abstractmethod
    def take_callbacks(self, now: datetime, until: datetime, limit: int) -> list[Callback]:
        """Callbacks whose time has come, oldest first; they are the caller's own until a moment, then due again."""

    @abstractmethod
    def next_callback(self) -> datetime | None:
        """When the next callback is due; None if the outbox is empty."""

    @abstractmethod
    def settle_callback(self, callback_id: int, again: datetime | None) -> None:
        """Take a callback out of the outbox, or (`again`) put it off."""

    @abstractmethod
    def take_lead(self, role: str, holder: str, until: datetime) -> bool:
        """Become, or stay, the one of all processes on this store that has a role; False while another has it.

        The role is free again at `until`, unless the holder takes it once more before.
        """

    @abstractmethod
    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        """Whole jobs, oldest first, that follow a `Job.key`; at most `limit`, fewer where they are large; none at the end."""

    @abstractmethod
    def put(self, stored: Sequence[StoredJob]) -> None:
        """Keep whole jobs as they are, in place of what is there under their ids; in this order, so that what an interruption leaves is a beginning."""


class ScheduleStore(ABC):
    """Schedules; they live in the store of the jobs that come of them, which makes their room. Any thread may call.

    Every method raises Unavailable if the database is away.
    """

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
        """Remove a schedule; its jobs stay. False if it was not there."""

    @abstractmethod
    def due(self, now: datetime, limit: int) -> list[Schedule]:
        """Schedules whose time has come, the one that has waited longest first."""

    @abstractmethod
    def next_due(self) -> datetime | None:
        """When the next schedule is due; None if there is none."""

    @abstractmethod
    def fire(self, schedule: Schedule, firing: Firing, queue_limit: int) -> bool:
        """Keep what came of `schedule.due` and wait for the next time; False if another was first, or the schedule is gone.

        Of all who fire the same due moment, at the same time or after a crash, one gets True, and the job, whose id is
        `schedule.next_job_id`, is kept once. A store with transactions keeps the job and advances `due` together. Another advances
        `due` and puts the job beside it by one compare-and-set, and then keeps the job; `next_due` completes what a crash left in
        between, and the id sees to it that this may be done twice. The id is the `last_job_id` once the job is there, not before.

        Raises: ServerBusy, if there is a job and `queue_limit` others wait already; nothing is changed then.
        """


class ProcessStore(ABC):
    """Deployed processes with all their revisions; they live in the store of the jobs, which makes their room. Any thread may call.

    Every method raises Unavailable if the database is away. A process that is there has a current revision.
    """

    @abstractmethod
    def get_number(self) -> int:
        """The number of the last change; one small read, asked once a second by every OS process. 0: nothing was ever deployed."""

    @abstractmethod
    def get_deployed(self) -> Deployed:
        """The number, and every process with its current version, as they were at one moment."""

    @abstractmethod
    def get(self, process_id: str, version: str) -> Revision:
        """Raises: NoSuchProcess."""

    @abstractmethod
    def find_revisions(self, process_id: str) -> list[RevisionSummary]:
        """Every revision of a process, the one deployed last first; empty if there is no such process."""

    @abstractmethod
    def find_moments(self) -> dict[tuple[str, str], datetime]:
        """When each revision, (process id, version), was deployed."""

    @abstractmethod
    def change(self, change: Change) -> bool:
        """Make a change as a whole; False, with nothing changed, if another one was first: the number is not `change.number` any more.

        The number grows by one. An added revision that is there already is replaced.
        """
