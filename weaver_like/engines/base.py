"""Interfaces of engines: the web process asks an `Engine`; a worker answers through its `WorkerLink`."""

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum


class ClosePolicy(StrEnum):
    """What a stop does: empty the queue first, finish what runs, or end what runs (it begins again at the next start)."""

    JOIN = "join"
    CANCEL = "cancel"
    KILL = "kill"


#: Subscribe to this instead of a job id to hear of every job.
EVERY_JOB = "*"
#: Subscribe to this instead of a job id to hear that there is a new schedule.
SCHEDULES = "schedules"
_CLOSED = {"job": EVERY_JOB, "kind": "closed"}


class Subscription:
    """Events of one job as they happen: {"job", "kind": "status" | "progress" | "log" | "step", ...}. Use as a context manager.

    A log event says that lines were kept, not which; who listens reads them, in order and each once.
    A status event has "outbox": true if a callback waits to be delivered. {"kind": "missed"}: events may have been lost, look at the
    store; {"kind": "closed"} is the last one: the engine stops. Both have EVERY_JOB for the job.
    """

    def __init__(self, hub: "EventHub", job_id: str):
        self._hub = hub
        self._job_id = job_id
        self._events: queue.SimpleQueue[dict] = queue.SimpleQueue()

    def next(self, timeout_s: float) -> dict | None:
        """The next event; None if none came in time."""
        try:
            return self._events.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def put(self, event: dict) -> None:
        self._events.put(event)

    def __enter__(self) -> "Subscription":
        self._hub.add(self._job_id, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.remove(self._job_id, self)


class EventHub:
    """Passes events of jobs to whoever waits for them in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Subscription]] = {}
        self._closed = False

    def add(self, job_id: str, subscription: Subscription) -> None:
        with self._lock:
            self._waiting.setdefault(job_id, []).append(subscription)
            closed = self._closed
        if closed:
            subscription.put(_CLOSED)

    def remove(self, job_id: str, subscription: Subscription) -> None:
        with self._lock:
            waiting = self._waiting[job_id]
            waiting.remove(subscription)
            if not waiting:
                del self._waiting[job_id]

    def close(self) -> None:
        """Wake everybody, also those who come later: nothing will happen any more."""
        with self._lock:
            self._closed = True
        self.publish(_CLOSED)

    def publish(self, event: dict) -> None:
        with self._lock:
            if event["job"] == EVERY_JOB:
                waiting = [subscription for several in self._waiting.values() for subscription in several]
            else:
                waiting = [*self._waiting.get(event["job"], ()), *self._waiting.get(EVERY_JOB, ())]
        for subscription in waiting:
            subscription.put(event)


class Engine(ABC):
    """Gets job ids, never functions: the store is the queue of record, a lost message costs a look, not a job."""

    @abstractmethod
    def start(self) -> None:
        """Begin to run jobs, those first that the store still holds."""

    @abstractmethod
    def submit(self, job_id: str, queue: str) -> None:
        """Say that an accepted job waits in a queue of the store."""

    @abstractmethod
    def restore(self, waiting: Mapping[str, int]) -> None:
        """Hear how many jobs have waited for a while in each queue; see that workers know of so many."""

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """End a job that has just been dismissed, wherever it runs."""

    @abstractmethod
    def subscribe(self, job_id: str) -> Subscription:
        """Listen to a job: enter the subscription before you look at the job's status, so that nothing is missed."""

    @abstractmethod
    def publish(self, event: dict) -> None:
        """Tell subscribers what this process itself did with a job."""

    @property
    @abstractmethod
    def closing(self) -> bool:
        """True from the moment that a stop began."""

    @property
    @abstractmethod
    def refusing(self) -> bool:
        """True if a stop began, and jobs that are submitted now would wait for the next start."""

    @abstractmethod
    def trouble(self) -> str | None:
        """Why jobs would not begin to run now, in a few words without secrets; None if they would. Does not raise."""

    @abstractmethod
    def drain(self, policy: ClosePolicy, grace_s: float) -> None:
        """Stop; no process is left when this returns."""


class WorkerLink(ABC):
    """A worker's connection to its engine."""

    @abstractmethod
    def publish(self, event: dict) -> None:
        """Pass an event of a job to whoever waits for it; never fails, never blocks for long."""

    @abstractmethod
    def submitted(self, job_id: str, queue: str) -> None:
        """Say that the running job has put another one into a queue of the store."""

    @abstractmethod
    def fileno(self) -> int:
        """Becomes readable when the engine has something to say."""

    @abstractmethod
    def interruption(self, job_id: str) -> str | None:
        """Why the running job must stop: "dismissed", "stopped" (it goes back into the queue), or None. Does not block."""
