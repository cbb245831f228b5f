"""Interfaces of the stores."""
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from weaver_like.domain.job import Callback, Claim, Job, JobDocuments, JobFilter, JobPage, LogEntry, NewJob, Outcome
from weaver_like.domain.status import Status


class JobStore(ABC):
    """Job records, their logs and the outbox of callbacks. One method is one transaction; any thread may call."""

    @abstractmethod
    def migrate(self) -> list[int]:
        """Bring the schema up to date; the numbers of the migrations that were applied, in order."""

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
    def claim_next(self, worker: str, lease_until: datetime) -> Claim | None:
        """Make the most urgent accepted job `worker`'s own (running, attempt + 1); None if none waits."""

    @abstractmethod
    def move(self, job_id: str, to: Status, *, attempt: int | None = None, message: str = "",
             outcome: Outcome | None = None, followers: Sequence[NewJob] = (), entries: Sequence[LogEntry] = (), counted: bool = True) -> bool:
        """Change the status if `status.MOVES` allows it; False, with no change, if another was first.

        attempt: the claim that the caller holds; a later claim, or None for a client's own wish, decides otherwise.
        counted: a move back to accepted is a loss of the worker; False, if the job was only stopped.
        A final status puts the subscriber's callback into the outbox; followers (created at this moment) and log
        entries are kept in the same transaction.
        """

    @abstractmethod
    def report(self, job_id: str, attempt: int, lease_until: datetime, *, percent: int | None = None, message: str | None = None,
               entries: Sequence[LogEntry] = ()) -> bool:
        """Renew the lease, keep progress and log lines; False if the job is not this attempt's any more."""

    @abstractmethod
    def append_log(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        """Add lines at the end of a job's log."""

    @abstractmethod
    def read_log(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        """Lines with a number above `after`, oldest first. Raises: NoSuchJob."""

    @abstractmethod
    def delete(self, job_id: str) -> bool:
        """Remove a finished job with its log; a callback that waits has then nothing to tell. False if it was not there or not finished."""

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
    def due_callbacks(self, now: datetime, limit: int) -> list[Callback]:
        """Callbacks whose time has come, oldest first."""

    @abstractmethod
    def next_callback(self) -> datetime | None:
        """When the next callback is due; None if the outbox is empty."""

    @abstractmethod
    def settle_callback(self, callback_id: int, again: datetime | None) -> None:
        """Take a callback out of the outbox, or (`again`) put it off."""
