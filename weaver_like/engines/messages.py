"""Messages between an engine and its workers."""

from weaver_like.domain.codec import Codec, message
from weaver_like.domain.events import JobEvent
from weaver_like.engines.base import ClosePolicy


@message("greeting")
class Greeting:
    """The first message to a worker.

    Args:
        number: counts the workers of an engine.
        settings: section.name -> text.
        environment: of the server, without its settings.
        folder: where the server works; paths in its settings may begin there.
    """

    name: str
    number: int
    settings: dict[str, str]
    environment: dict[str, str]
    folder: str


@message("wake")
class Wake:
    """Look for a job. number: of submissions so far, to be returned in `Idle`."""

    number: int


@message("cancel")
class Cancel:
    """A job was dismissed."""

    job_id: str


@message("stop")
class Stop:
    """Stop as the policy says."""

    policy: ClosePolicy


@message("idle")
class Idle:
    """The worker found no job. number: of the last `Wake` that it got before it looked; 0: none yet."""

    number: int


@message("submitted")
class JobSubmitted:
    """The running job has put another one into the store."""

    job_id: str


@message("news")
class JobNews:
    """Something happened to the running job."""

    event: JobEvent


ToWorker = Greeting | Wake | Cancel | Stop
FromWorker = Idle | JobSubmitted | JobNews
TO_WORKER: Codec[ToWorker] = Codec(ToWorker)
FROM_WORKER: Codec[FromWorker] = Codec(FromWorker)
#: What workers receive on the bus.
ORDERS: Codec[Cancel] = Codec(Cancel)
