"""Interface of runners: each runs one kind of execution unit in the job's child."""

import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from weaver_like.domain.messages import Answer, Blame, ChildMessage, Failed, Question, RequestRefused, RunEnd
from weaver_like.sandbox.messages import ChildRequest, Task, ToChild
from weaver_like.sandbox.wire import Wire

GivenTask = TypeVar("GivenTask", bound=Task)
#: A child's end of its channel.
ChildWire = Wire[ChildMessage, ToChild]
_OURS = ("weaver_like.runners", "weaver_like.authoring")
_DETAIL_CHARACTERS, _TRACEBACK_CHARACTERS = 10_000, 20_000
_MOST_CAUSES = 100


def _leave_nothing(_workdir: Path) -> None:
    """Of runners that leave nothing outside of the work folder."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A kind of execution unit and the module whose `run_in_child(request, channel)` runs it.

    options: of the operator, for each run (JSON).

    starts_commands: whether it starts foreign programs, which have limits together (`sandbox.*`).
    holds_file_objects: values of inputs may hold CWL's File and Directory objects, which are staged like references.
    cleanup: removes what an attempt left outside of its work folder, which is given; called for every attempt.
    The worker never imports that module: its zygote does, in a process that holds no secret.
    """

    kind: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    starts_commands: bool = False
    holds_file_objects: bool = False
    cleanup: Callable[[Path], None] = _leave_nothing


class ChildRun(ABC, Generic[GivenTask]):
    """The child's side of one run: a subclass says how, this class speaks with the worker. task: that of `request`."""

    def __init__(self, request: ChildRequest, task: GivenTask, channel: ChildWire):
        self.request = request
        self.task = task
        self._channel = channel
        self._turn = threading.RLock()

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
        with self._turn:
            self._channel.send(message)

    def ask(self, question: Question) -> Answer:
        """Ask the worker something. Any thread may; the others wait for the answer."""
        with self._turn:
            self._channel.send(question)
            answer = self._channel.receive()
        if answer is None or isinstance(answer, ChildRequest):
            return RequestRefused("the worker has gone")
        return answer

    def serve(self) -> int:
        """Run and report; the exit code of the child."""
        try:
            self.send(self.run())
        except BaseException as error:  # SystemExit and Cancelled of foreign code too: the job's owner must see why
            self.send(self._failed(error))
            return 1
        return 0

    def _failed(self, error: BaseException) -> Failed:
        detail, trace = self.explain(error)
        if trace is not None:
            trace = trace[-_TRACEBACK_CHARACTERS:]
        return Failed(detail[:_DETAIL_CHARACTERS], trace, self.blame(error), _lacked_memory(error))


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
