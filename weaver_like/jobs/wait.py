"""Waiting for a job without polling."""

import threading
import time

from weaver_like.domain.events import EngineClosed, EventsMissed, StatusChanged
from weaver_like.domain.job import Job
from weaver_like.engines.base import Subscription
from weaver_like.runtime import Runtime


class Places:
    """A limited number of places to wait in, so that waiting requests never take the last thread of the server."""

    def __init__(self, count: int):
        self._free = threading.Semaphore(count)

    def take(self) -> bool:
        return self._free.acquire(blocking=False)

    def give_back(self) -> None:
        self._free.release()


def wait_for(rt: Runtime, subscription: Subscription, job_id: str, limit_s: float) -> Job:
    """Wait until the job has ended, at most `limit_s` seconds; the job as it is then.

    subscription: entered before the job was submitted. Raises: NoSuchJob, if the job was removed meanwhile.
    """
    end = time.monotonic() + limit_s
    while (left := end - time.monotonic()) > 0:
        match subscription.next(left):
            case None | EngineClosed():
                break
            case StatusChanged(_, status) if status.final:
                break
            case EventsMissed() if rt.store.jobs.get(job_id).status.final:
                break
    return rt.store.jobs.get(job_id)
