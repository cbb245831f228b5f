"""Events of jobs, for subscribers in this and the other servers of an installation."""

from weaver_like.domain.codec import Codec, message
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step


@message("status")
class StatusChanged:
    """The status of a job has changed. outbox: a callback to its subscriber waits to be delivered."""

    job_id: str
    status: Status
    outbox: bool = False


@message("progress")
class ProgressMade:
    """A job has made progress. percent: 0 to 100.  outbox: as in `StatusChanged`."""

    job_id: str
    percent: int
    message: str = ""
    outbox: bool = False


@message("log")
class LogExtended:
    """Lines were added to the log of a job; listeners read them from the store, in order and each once."""

    job_id: str


@message("steps")
class StepsChanged:
    """Steps of a job as they are now, without commands and their output."""

    job_id: str
    steps: tuple[Step, ...]


@message("schedules")
class SchedulesChanged:
    """There is a new schedule."""


@message("missed")
class EventsMissed:
    """Events of any job may have been lost: look at the store."""


@message("closed")
class EngineClosed:
    """The engine stops: this is the last event."""


JobEvent = StatusChanged | ProgressMade | LogExtended | StepsChanged
Event = JobEvent | SchedulesChanged | EventsMissed | EngineClosed
EVENTS: Codec[Event] = Codec(Event)


def is_dismissal(event: JobEvent) -> bool:
    """Whether an event says that a job was dismissed."""
    return isinstance(event, StatusChanged) and event.status is Status.DISMISSED


def fills_outbox(event: Event) -> bool:
    """Whether a callback may wait to be delivered after an event."""
    match event:
        case StatusChanged(outbox=True) | ProgressMade(outbox=True) | EventsMissed():
            return True
        case _:
            return False
