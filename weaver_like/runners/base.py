"""Interface of runners: each runs one kind of execution unit, in a child of the worker or in a foreign system."""

import resource
import sys
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.followed import RunState
from weaver_like.domain.messages import (
    Answer,
    Blame,
    ChildMessage,
    Done,
    Failed,
    JobAccepted,
    Question,
    RequestRefused,
    RunEnd,
    RunOutput,
    RunProcess,
    Usage,
)
from weaver_like.runners.answers import Answers, ChildWire
from weaver_like.sandbox.messages import ChildRequest, RunJob, Task

GivenTask = TypeVar("GivenTask", bound=Task)
_OURS = ("weaver_like.runners", "weaver_like.authoring")
_DETAIL_CHARACTERS, _TRACEBACK_CHARACTERS = 10_000, 20_000
_MOST_CAUSES = 100


def _leave_nothing(_workdir: Path) -> None:
    """Of runners that leave nothing outside of the work folder."""


@dataclass(frozen=True)
class Runner:
    """What other rooms must know of a kind of execution unit.

    Args:
        stages_inputs: references are fetched into the work folder; False: they are passed on as they came.
        holds_file_objects: values of inputs may hold CWL's File and Directory objects, which are staged like
            references.
        cleanup: removes what an attempt left outside of its work folder, which is given; called for every attempt.
    """

    kind: str
    stages_inputs: bool = field(default=True, kw_only=True)
    holds_file_objects: bool = field(default=False, kw_only=True)
    cleanup: Callable[[Path], None] = field(default=_leave_nothing, kw_only=True)


@dataclass(frozen=True)
class ChildRunner(Runner):
    """Runs in a child of the worker, which stays with it.

    Args:
        module: its `run_in_child(request, channel)` runs the job. The worker never imports that module: its zygote
            does, in a process that holds no secret.
        options: of the operator, for each run (JSON).
        starts_commands: whether it starts foreign programs, which have limits together (`sandbox.*`).
    """

    module: str
    options: dict[str, Any] = field(default_factory=dict, kw_only=True)
    starts_commands: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class FollowedRunner(Runner, ABC):
    """Runs in a foreign system, once: a worker starts it and is free, one process of all follows it.

    A handle is a text that says all that is needed to find the run from any process, without secrets. Several threads
    call at once. Each method is one short talk with that system, and raises Unavailable if it cannot be reached now.
    """

    @abstractmethod
    def start(self, task: RunJob, workdir: Path) -> str:
        """Start the run of a job; its handle. What is in the work folder goes away when this returns.

        Raises: WeaverError; the job has failed then, and whatever may have been started is released.
        """

    def find(self, job_id: str, target: Mapping[str, Any]) -> str | None:
        """The handle of the run that was started for a job; None, if none was.

        Asked after a worker died before it could say. A system that can tell is to be told the job's id by `start`.
        Raises: RunFailed, if nobody can tell.
        """
        raise RunFailed("The worker was lost while it started the run, and nobody can tell whether it did.")

    @abstractmethod
    def look(self, handle: str) -> RunState:
        """How the run stands. Raises: WeaverError; the job has failed then."""

    @abstractmethod
    def collect(self, handle: str, outputs: Mapping[str, str | None], workdir: Path) -> Mapping[str, RunOutput]:
        """What a successful run gave, by id; its files are brought into the work folder.

        outputs: id of each output that is wanted -> the media type that was asked for, or None.
        Raises: WeaverError; the job has failed then.
        """

    @abstractmethod
    def release(self, handle: str) -> None:
        """End the run, if it has not ended, and let that system remove it; called at the end of every run.

        Nothing happens if there is no such run any more.
        """


class ChildRun(ABC, Generic[GivenTask]):
    """The child's side of one run: a subclass says how, this class speaks with the worker. task: that of `request`."""

    def __init__(self, request: ChildRequest, task: GivenTask, channel: ChildWire):
        self.request = request
        self.task = task
        self._channel = channel
        self._sending = threading.RLock()
        self._asking = threading.Lock()
        self._answers = Answers(channel)

    @abstractmethod
    def run(self) -> RunEnd:
        """Run what was asked for; its outputs. Any exception is a failed job."""

    def blame(self, error: BaseException) -> Blame | None:
        """Which input is at fault, if the error is the fault of what an input holds."""
        return None

    def explain(self, error: BaseException) -> tuple[str, str | None]:
        """What a failure is called, and its traceback, unless the text says all."""
        name = type(error).__name__
        return f"{name}: {error}" if str(error) else name, _traceback(error)

    def send(self, message: ChildMessage) -> None:
        """Tell the worker something. Any thread may. Raises: ValueError, for numbers that JSON does not have."""
        with self._sending:
            self._channel.send(message)

    def ask(self, question: Question) -> Answer:
        """Ask the worker something. Any thread may; others that ask wait for the answer."""
        with self._asking:
            self.send(question)
            return self._answers.next() or RequestRefused("the worker has gone")

    def run_process(self, wanted: RunProcess, begun: Callable[[str], None]) -> Mapping[str, RunOutput]:
        """Run a process of the server as a job of its own; what that gave, when it has ended. Any thread may.

        begun: called with the id of the job as soon as that is known.
        Raises: RunFailed, with the words of that job or of the server.
        """
        answer = self.ask(wanted)
        if not isinstance(answer, JobAccepted):
            raise RunFailed(answer.reason if isinstance(answer, RequestRefused) else "the worker did not understand")
        begun(answer.job_id)
        ended = self._answers.end_of(answer.job_id)
        if ended is None:
            raise RunFailed("the worker has gone")
        if ended.error is not None:
            raise RunFailed(ended.error)
        return ended.outputs

    def serve(self) -> int:
        """Run and report; the exit code of the child."""
        try:
            end = self.run()
            if isinstance(end, Done):
                end = replace(end, usage=_usage())
            sys.stdout.flush()  # nothing that was printed comes after the end
            sys.stderr.flush()
            self.send(end)
        except BaseException as error:  # SystemExit and Cancelled of foreign code too: the job's owner must see why
            self.send(self._failed(error))
            return 1
        return 0

    def _failed(self, error: BaseException) -> Failed:
        detail, trace = self.explain(error)
        if trace is not None:
            trace = trace[-_TRACEBACK_CHARACTERS:]
        return Failed(detail[:_DETAIL_CHARACTERS], trace, self.blame(error), _lacked_memory(error))


def _usage() -> Usage:
    own, waited = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime
    return Usage(cpu_s, max(own.ru_maxrss, waited.ru_maxrss) * 1024)


def _traceback(error: BaseException) -> str:
    """The traceback as the author of the code knows it: it begins where our own code ends."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace.tb_frame.f_globals.get("__name__")):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _lacked_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it came of, is that there was no memory left."""
    seen = 0
    while error is not None and seen < _MOST_CAUSES:
        if isinstance(error, MemoryError):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _is_ours(module: object) -> bool:
    return isinstance(module, str) and module.startswith(_OURS)
