"""What a running process may ask of the server."""

import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from weaver_like.domain.messages import Answer, JobAccepted, LogLine, Progress, RequestRefused, SubmitJobs, WantedJob


class Cancelled(BaseException):
    """The job was dismissed; clean up and let it pass. Not an `Exception`: `except Exception` must not swallow it."""


class InputError(ValueError):
    """What an input holds cannot be processed, and its sender can repair it: the job's results answer 400, not 500.

    input: name of the parameter, if it is one input's fault.
    Source: OGC 18-062r2, /req/core/job-results-failed.
    """

    def __init__(self, message: str, input: str | None = None):
        super().__init__(message)
        self.input = input


class Context:
    """Given to a process function that has a parameter annotated `Context`.

    Attributes:
        workdir: the job's own folder, also its current one; gone after the job.
        job_id: id of the job.
        outputs: every output that the client wants -> the media type it asked for, or None.
    """

    def __init__(
        self,
        workdir: Path,
        job_id: str,
        outputs: Mapping[str, str | None],
        send: Callable[[Progress | LogLine], None],
        ask: Callable[[SubmitJobs], Answer],
    ):
        self.workdir = workdir
        self.job_id = job_id
        self.outputs = dict(outputs)
        self._send = send
        self._ask = ask
        self._dismissed = False

    def progress(self, percent: float, message: str | None = None) -> None:
        """Report progress, 0 to 100, with an optional line for the status document."""
        self._send(Progress(min(100, max(0, int(percent))), message))

    def log(self, message: str, level: int = logging.INFO) -> None:
        """Add a line to the job's log."""
        self._send(LogLine(str(message), int(level)))

    def cancelled(self) -> bool:
        """True once the job was dismissed or its time ran out; the job has a moment to clean up, then it is ended."""
        return self._dismissed

    def check_cancelled(self) -> None:
        """Raises: Cancelled, once `cancelled()` is true."""
        if self._dismissed:
            raise Cancelled

    def schedule(self, process: str, inputs: Mapping[str, Any] | None = None, *, priority: int | None = None) -> str:
        """Submit another job; its id. It runs after this one gave its worker free, or beside it.

        Raises: ValueError, if it was refused.
        """
        return self._submit([(process, inputs or {})], priority)

    def chain(self, steps: Sequence[tuple[str, Mapping[str, Any]]], *, priority: int | None = None) -> str:
        """Submit jobs that run one after the other, each only if the one before was successful; the id of the first.

        Raises: ValueError, if they were refused.
        """
        return self._submit(steps, priority)

    def _submit(self, steps: Sequence[tuple[str, Mapping[str, Any]]], priority: int | None) -> str:
        wanted = tuple(WantedJob(str(process), dict(inputs)) for process, inputs in steps)
        answer = self._ask(SubmitJobs(wanted, priority))
        if isinstance(answer, JobAccepted):
            return answer.job_id
        raise ValueError(answer.reason if isinstance(answer, RequestRefused) else "the server did not understand")

    def watch_signals(self) -> None:
        """SIGTERM asks this job to end: it sets `cancelled()`."""
        signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        self._dismissed = True


def cancel_by_exception(_number: int, _frame: FrameType | None) -> None:
    """What SIGTERM does in a process function that has no `Context` to ask."""
    raise Cancelled
