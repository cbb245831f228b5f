"""Runs of jobs in foreign systems, which are followed instead of held by a worker."""

from dataclasses import dataclass
from datetime import datetime

from weaver_like.domain.status import Status


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """The one run of a job in a foreign system.

    Args:
        runner: kind of the runner that started it, and knows its handle.
        attempt: the last attempt at the job that was about to start the run.
        begun: when an attempt was first about to start it.
        handle: by which its runner finds it; None: it is not known whether it was started.
        deadline: when it has taken too long; None: never.
    """

    job_id: str
    runner: str
    attempt: int
    begun: datetime
    handle: str | None = None
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run in a foreign system.

    Args:
        status: accepted while it waits there.
        percent: progress; None: that system does not report it.
        message: one line; the reason, if it failed; empty: none.
    """

    status: Status
    percent: int | None = None
    message: str = ""
