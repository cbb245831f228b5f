"""Interfaces of engines: the web process asks an `Engine`; a worker answers through its `WorkerLink`."""

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum

from weaver_like.domain.events import EngineClosed, Event, EventsMissed, JobEvent, SchedulesChanged


class ClosePolicy(StrEnum):
    """What a stop does: empty the queue first, let running jobs finish, or end them, to be started again later."""

    JOIN = "join"
    CANCEL = "cancel"
    KILL = "kill"


#: Subscribe to this instead of a job id to hear of every job.
EVERY_JOB = "*"
#: Subscribe to this instead of a job id to hear of new schedules.
SCHEDULES = "schedules"


class Interruption(StrEnum):
    """Why a running job must stop."""

    DISMISSED = "dismissed"
    STOPPED = "stopped"


class Subscription:
    """Events of one job, of every job or of schedules as they happen. Use as a context manager.

    Every subscription also gets `EventsMissed` and, as the last event, `EngineClosed`.
    """

    def __init__(self, hub: "EventHub", topic: str):
        self._hub = hub
        self._topic = topic
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def next(self, timeout_s: float) -> Event | None:
        """The next event; None if none came in time, or `wake` was called."""
        try:
            return self._events.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def put(self, event: Event) -> None:
        self._events.put(event)

    def wake(self) -> None:
        """End the wait of `next` without an event."""
        self._events.put(None)

    def __enter__(self) -> "Subscription":
        self._hub.add(self._topic, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.remove(self._topic, self)


class EventHub:
    """Passes events to the subscriptions of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Subscription]] = {}
        self._closed = False

    def add(self, topic: str, subscription: Subscription) -> None:
        with self._lock:
            self._waiting.setdefault(topic, []).append(subscription)
            closed = self._closed
        if closed:
            subscription.put(EngineClosed())

    def remove(self, topic: str, subscription: Subscription) -> None:
        with self._lock:
            waiting = self._waiting[topic]
            waiting.remove(subscription)
            if not waiting:
                del self._waiting[topic]

    def close(self) -> None:
        """Wake all subscribers, including later ones: nothing will happen any more."""
        with self._lock:
            self._closed = True
        self.publish(EngineClosed())

    def publish(self, event: Event) -> None:
        with self._lock:
            waiting = self._interested(event)
        for subscription in waiting:
            subscription.put(event)

    def _interested(self, event: Event) -> list[Subscription]:
        match event:
            case EventsMissed() | EngineClosed():
                return [subscription for several in self._waiting.values() for subscription in several]
            case SchedulesChanged():
                return list(self._waiting.get(SCHEDULES, ()))
            case _:
                return [*self._waiting.get(event.job_id, ()), *self._waiting.get(EVERY_JOB, ())]


class Engine(ABC):
    """Runs jobs of the store.

    It gets job ids, never functions: the store is the queue of record, so a lost message loses no job.
    """

    @abstractmethod
    def start(self) -> None:
        """Begin to run jobs, starting with those that still wait in the store."""

    @abstractmethod
    def submit(self, job_id: str, queue: str) -> None:
        """Say that an accepted job waits in a queue of the store."""

    @abstractmethod
    def restore(self, waiting: Mapping[str, int]) -> None:
        """Make sure that workers know of jobs that have waited for a while. waiting: queue -> how many."""

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """End a job that has just been dismissed, wherever it runs."""

    @abstractmethod
    def subscribe(self, topic: str) -> Subscription:
        """Listen to a job, or to EVERY_JOB or SCHEDULES.

        Enter the subscription before reading the job's status, so that no event is missed.
        """

    @abstractmethod
    def publish(self, event: Event) -> None:
        """Tell subscribers about an event in this process."""

    @property
    @abstractmethod
    def closing(self) -> bool:
        """True once a stop has begun."""

    @property
    @abstractmethod
    def refusing(self) -> bool:
        """True if a stop has begun, and jobs that are submitted now would wait for the next start."""

    @abstractmethod
    def trouble(self) -> str | None:
        """Why jobs would not begin to run now, in a few words without secrets; None if they would. Does not raise."""

    @abstractmethod
    def drain(self, policy: ClosePolicy, grace_s: float) -> None:
        """Stop; no process is left when this returns."""


class JobLink(ABC):
    """The connection to the engine for the process that runs or follows a job."""

    @abstractmethod
    def publish(self, event: JobEvent) -> None:
        """Pass an event of a job to its subscribers; never fails, never blocks for long.

        A dismissal also ends the job, wherever it runs.
        """

    @abstractmethod
    def submitted(self, job_id: str, queue: str) -> None:
        """Say that the running job has put another one into a queue of the store."""

    @abstractmethod
    def interruption(self, job_id: str) -> Interruption | None:
        """Why the running job must stop, or None. Does not block."""


class WorkerLink(JobLink):
    """A worker's connection to its engine."""

    @abstractmethod
    def fileno(self) -> int:
        """A descriptor that becomes readable when the engine has something to say."""

    @abstractmethod
    def serves(self, queue: str) -> bool:
        """Whether this worker may run jobs of a queue. Any thread may call."""
