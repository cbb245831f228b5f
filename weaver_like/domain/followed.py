"""Runs of jobs in foreign systems, which are followed instead of held by a worker."""

from dataclasses import dataclass
from datetime import datetime

from weaver_like.domain.status import Status


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """The one run of a job in a foreign system.

    Args:
        runner: kind of the runner that started it, and knows its handle.
        attempt: at the job, which set out to start it last.
        begun: when an attempt first set out to start it.
        handle: by which its runner finds it; None: nobody has said so far that it was started.
        deadline: when it has taken too long; None: it may take any time.
    """

    job_id: str
    runner: str
    attempt: int
    begun: datetime
    handle: str | None = None
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run in a foreign system stands.

    Args:
        status: accepted, while it waits there.
        percent: progress; None: that system does not say.
        message: one line, of a failure the reason; empty: none.
    """

    status: Status
    percent: int | None = None
    message: str = ""
