"""Interface of runners: each runs one kind of execution unit in the job's child."""

import threading
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from socket import socket

from weaver_like.sandbox.wire import Reader, send

_OURS = ("weaver_like.runners", "weaver_like.authoring")


@dataclass(frozen=True, slots=True)
class Runner:
    """A kind of execution unit and the module whose `run_in_child(request, channel)` runs it. options: of the operator, for each run (JSON).

    starts_commands: whether it starts foreign programs, which have limits together (`sandbox.*`).
    The worker never imports that module: its zygote does, in a process that holds no secret.
    """

    kind: str
    module: str
    options: dict = field(default_factory=dict)
    starts_commands: bool = False


def _traceback(error: BaseException) -> str:
    """The traceback as the author of the code knows it: it begins where our own code ends."""
    trace = error.__traceback__
    while (
        trace is not None
        and trace.tb_next is not None
        and trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS)
    ):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


class ChildRun(ABC):
    """The child's side of one run: a subclass says how, this class speaks with the worker.

    Messages to the worker: {"progress", "message"}, {"log", "level"}, {"schedule", "priority"} (answered), {"step": `schemas.step`}, and at the end
    {"done": outputs} or {"failed": {"detail", "traceback", "blame"?}}.
    """

    def __init__(self, request: dict, channel: socket):
        self.request = request
        self._channel = channel
        self._reader = Reader(channel)
        self._turn = threading.RLock()

    @abstractmethod
    def run(self) -> dict:
        """Run the execution unit; its outputs as `authoring.call` gives them. Any exception is a failed job."""

    def blame(self, error: BaseException) -> dict | None:
        """{"input": name or None, "detail"}, if the error is the fault of what an input holds."""
        return None

    def explain(self, error: BaseException) -> tuple[str, str | None]:
        """What a failure is called, and its traceback, unless the text says all."""
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, _traceback(error)

    def tell(self, message: dict) -> None:
        """Any thread may."""
        with self._turn:
            send(self._channel, message)

    def ask(self, message: dict) -> dict:
        """Any thread may; the others wait for the answer."""
        with self._turn:
            self.tell(message)
            return self._reader.next() or {"error": "the worker has gone"}

    def serve(self) -> int:
        """Run and report; the exit code of the child."""
        try:
            self.tell({"done": self.run()})
        except BaseException as error:  # SystemExit and Cancelled of foreign code too: the job's owner must see why
            detail, traceback_text = self.explain(error)
            self.tell(
                {
                    "failed": {
                        "detail": detail[:10000],
                        "traceback": traceback_text and traceback_text[-20000:],
                        "blame": self.blame(error),
                    }
                }
            )
            return 1
        return 0
