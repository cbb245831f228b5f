"""What the steps of a run do: told to the worker as it happens, with how much of all is done."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from weaver_like.domain.messages import LogLine, Progress, StepChange
from weaver_like.domain.step import MAX_STEPS, Step, StepStatus

_TAIL_LINES = 20
#: How messages begin that go on from the name of the step; others are sentences of their own.
_ENDS = ("ended ", "ran ", "was ", "gave ", "could ", "failed")
_DONE = (StepStatus.SUCCESSFUL, StepStatus.REUSED)


class Node:
    """A step, below the workflow or the scattered step that it is a part of; the root is the run. Any thread may call.

    weight: 0 for what takes no share of the progress.  item: of a scattered step, the last of its jobs that became known.
    """

    def __init__(self, recorder: "Recorder", parent: "Node | None", step: Step):
        self._recorder = recorder
        self.parent = parent
        self.step = step
        self.children: list[Node] = []
        self.weight = 1
        self.item: Node | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def add(self, name: str) -> "Node":
        """A step that will run, or be skipped, as a part of this one."""
        return self._recorder.add(self, f"{self.step.name}/{name}" if self.step.name else name)

    def add_item(self, skipped: bool) -> None:
        """The next job of this step, which is scattered; they are numbered from 1. A skipped one has no share of the progress."""
        self.begin()
        self.item = self.add(str(len(self.children) + 1))
        if skipped:
            self.item.weight = 0
            self.item.end(StepStatus.SKIPPED)

    def begin(self, command: str = "") -> None:
        """It runs now, and so does what it is a part of."""
        if self.parent is None or self.step.status is not StepStatus.ACCEPTED:
            return
        self.parent.begin()
        self._recorder.change(self, status=StepStatus.RUNNING, started=datetime.now(UTC), command=command[:4000])
        if command:
            self._recorder.say(self, command[:4000])

    def line(self, text: str) -> None:
        """Something that its command printed."""
        self._tail.append(text[:1000])
        self._recorder.say(self, text)

    def keep_tail(self, lines: Sequence[str]) -> None:
        """Lines that were not printed, but written into a file."""
        self._tail.extend(line[:1000] for line in lines)

    def end(self, status: StepStatus, message: str = "", **measured: object) -> None:
        """The first end is the one that counts. measured: what else is known of it, by the fields of `Step`."""
        if self.parent is None or self.step.status.ended:
            return
        started = self.step.started or (datetime.now(UTC) if status is not StepStatus.SKIPPED else None)
        self._recorder.change(
            self,
            status=status,
            started=started,
            finished=datetime.now(UTC) if started else None,
            tail=tuple(self._tail),
            message=self._recorder.plain(message)[:4000] if message else "",
            **measured,
        )

    def fail(self, message: str) -> None:
        self.end(StepStatus.FAILED, message)

    def finish(self, status: str, missing: Sequence[str] = ()) -> None:
        """End as cwltool says. missing: outputs that it lacks."""
        if status == "success" or (status == "skipped" and any(child.step.status in _DONE for child in self.children)):
            ended = StepStatus.SUCCESSFUL
        else:
            ended = StepStatus.SKIPPED if status == "skipped" else StepStatus.FAILED
        if missing and ended is StepStatus.SUCCESSFUL:
            self.fail(f"gave no output '{missing[0]}'")
        self.end(ended)

    def done(self) -> float:
        """From 0 to 1: a step's share is divided among its parts."""
        if self.step.status.ended:
            return float(self.step.status is not StepStatus.FAILED)
        weights = sum(child.weight for child in self.children)
        return sum(child.weight * child.done() for child in self.children) / weights if weights else 0.0


class Recorder:
    """Any thread may call.

    send: sends a message to the worker.  alone: the run is a single tool, whose lines need no name before them.
    plain: makes what cwltool says fit for its users.
    """

    def __init__(
        self, send: Callable[[LogLine | Progress | StepChange], None], alone: bool, plain: Callable[[str], str] = str
    ):
        self._send = send
        self._alone = alone
        self.plain = plain
        self._lock = threading.RLock()
        self._known = 0
        self._percent = 0
        self.root = Node(self, None, Step(0, "", StepStatus.RUNNING))
        self.failed: Step | None = None

    def add(self, parent: Node, name: str) -> Node:
        with self._lock:
            self._known += 1
            node = Node(self, parent, Step(self._known, name, StepStatus.ACCEPTED))
            parent.children.append(node)
            self._show(node.step)
        return node

    def change(self, node: Node, **changes: object) -> None:
        with self._lock:
            node.step = replace(node.step, **changes)
            self._show(node.step)
            if node.step.status is StepStatus.FAILED:
                self.failed = self.failed or node.step
            elif node.step.status.ended:
                self._show_progress()

    def say(self, node: Node, text: str) -> None:
        if not self._alone:
            text = f"[{node.step.name}] {text}"
        elif node.step.command == text:  # it is seen with the step; a log of one command begins with what that says
            return
        self._send(LogLine(text))

    def _show(self, step: Step) -> None:
        if step.number <= MAX_STEPS:
            self._send(StepChange(step))

    def _show_progress(self) -> None:
        """The end of the job itself is what makes it complete."""
        percent = int(100 * self.root.done() + 1e-9)
        if self._percent < percent < 100:
            self._percent = percent
            self._send(Progress(percent))

    def reason(self) -> str:
        """Of the first step that failed: how it ended, its command, and the last lines that it printed."""
        step = self.failed
        if step is None:
            return ""
        command = f"\nCommand: {_shortened(step.command, 1000)}" if step.command else ""
        tail = "".join(f"\n{line}" for line in step.tail)
        how = step.message.rstrip(".") or "failed"
        return f"Step '{step.name}'{' ' if how.startswith(_ENDS) else ': '}{how}.{command}" + (
            f"\nIts last lines:{tail}" if tail else ""
        )


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + " ..."
