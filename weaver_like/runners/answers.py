"""`Answers`: what the worker says to a child, for whichever of its threads waits for it."""

import threading
from collections import deque
from collections.abc import Callable

from weaver_like.domain.messages import Answer, ChildMessage, JobEnded
from weaver_like.sandbox.messages import ChildRequest, ToChild
from weaver_like.sandbox.wire import Wire

#: A child's end of its channel.
ChildWire = Wire[ChildMessage, ToChild]


class Answers:
    """Any thread may wait. One that waits reads for all: ends of jobs come in between the answers to questions."""

    def __init__(self, channel: ChildWire):
        self._channel = channel
        self._arrived = threading.Condition()
        self._reading = False
        self._gone = False
        self._answers: deque[Answer] = deque()
        self._ended: dict[str, JobEnded] = {}

    def next(self) -> Answer | None:
        """The answer to the question that was asked; one thread asks at a time. None: the worker has gone."""
        with self._arrived:
            self._wait(lambda: bool(self._answers))
            return self._answers.popleft() if self._answers else None

    def end_of(self, job_id: str) -> JobEnded | None:
        """How a job has ended that `RunProcess` asked for. None: the worker has gone."""
        with self._arrived:
            self._wait(lambda: job_id in self._ended)
            return self._ended.pop(job_id, None)

    def _wait(self, has_come: Callable[[], bool]) -> None:
        """Until it has come, or the worker has gone. The lock is held."""
        while not has_come() and not self._gone:
            if self._reading:
                self._arrived.wait()
            else:
                self._read()

    def _read(self) -> None:
        """The lock is held, but not while nothing comes."""
        self._reading = True
        self._arrived.release()
        message: ToChild | None = None
        try:
            message = self._channel.receive()
        finally:
            self._arrived.acquire()
            self._reading = False
            self._keep(message)
            self._arrived.notify_all()

    def _keep(self, message: ToChild | None) -> None:
        if isinstance(message, JobEnded):
            self._ended[message.job_id] = message
        elif message is None or isinstance(message, ChildRequest):
            self._gone = True
        else:
            self._answers.append(message)
