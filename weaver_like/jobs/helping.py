"""`HelperLink`: what a job hears and says that a worker runs beside the one that waits for it."""

import os
import threading
from collections.abc import Callable

from weaver_like.domain.events import JobEvent
from weaver_like.engines.base import Interruption, WorkerLink


class HelperLink(WorkerLink):
    """For one thread that runs such a job; the thread that has the worker's own link calls `attend`.

    wake: has that thread call `attend` soon.
    """

    def __init__(self, link: WorkerLink, wake: Callable[[], None]):
        self._link = link
        self._wake = wake
        self._lock = threading.Lock()
        self._said: list[Callable[[], None]] = []
        # Ids of jobs that were asked about, and those of them that were dismissed.
        self._asked: set[str] = set()
        self._dismissed: set[str] = set()
        self._told = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def publish(self, event: JobEvent) -> None:
        self._say(lambda: self._link.publish(event))

    def submitted(self, job_id: str, queue: str) -> None:
        self._say(lambda: self._link.submitted(job_id, queue))

    def _say(self, word: Callable[[], None]) -> None:
        with self._lock:
            self._said.append(word)
        self._wake()

    def fileno(self) -> int:
        return self._told

    def serves(self, queue: str) -> bool:
        return self._link.serves(queue)

    def interruption(self, job_id: str) -> Interruption | None:
        with self._lock:
            self._asked.add(job_id)
            if job_id not in self._dismissed:
                return None
            self._hear()
        return Interruption.DISMISSED

    def _hear(self) -> None:
        try:
            os.eventfd_read(self._told)
        except BlockingIOError:
            pass

    def dismiss(self, job_id: str) -> None:
        """End a job that is run here. Any thread may call."""
        with self._lock:
            if job_id in self._dismissed:
                return
            self._dismissed.add(job_id)
        os.eventfd_write(self._told, 1)

    def forget(self, job_id: str) -> None:
        """A job has ended. Any thread may call."""
        with self._lock:
            self._asked.discard(job_id)
            self._dismissed.discard(job_id)
        if isinstance(self._link, HelperLink):
            self._link.forget(job_id)

    def attend(self) -> None:
        """Pass on what was said, and what the engine says of the jobs that run here."""
        with self._lock:
            said, self._said = self._said, []
            asked = self._asked - self._dismissed
        for word in said:
            word()
        for job_id in asked:
            if self._link.interruption(job_id) is Interruption.DISMISSED:
                self.dismiss(job_id)

    def close(self) -> None:
        """The job has ended."""
        os.close(self._told)
