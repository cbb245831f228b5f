"""What the steps of a run do: reported to the worker as it happens, with how much of all is done."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from weaver_like.domain.messages import LogLine, Progress, StepChange
from weaver_like.domain.step import MAX_STEPS, Step, StepStatus

_TAIL_LINES = 20
_LONGEST_LINE, _LONGEST_TEXT, _LONGEST_COMMAND = 1000, 4000, 1000
#: How messages begin that go on from the name of the step; others are sentences of their own.
_ENDS = ("ended ", "ran ", "was ", "gave ", "could ", "failed")
_DONE = (StepStatus.SUCCESSFUL, StepStatus.REUSED)


class Node:
    """A step, below the workflow or the scattered step that it is a part of; the root is the run. Any thread may call.

    weight: 0 for what has no share of the progress.  item: the last job that became known, of a scattered step.
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
        if self.step.name:
            name = f"{self.step.name}/{name}"
        return self._recorder.add(self, name)

    def add_item(self, skipped: bool) -> None:
        """The next job of this step, which is scattered; they are numbered from 1.

        A skipped one has no share of the progress.
        """
        self.begin()
        self.item = self.add(str(len(self.children) + 1))
        if skipped:
            self.item.weight = 0
            self.item.end(StepStatus.SKIPPED)

    def begin(self, command: str = "") -> None:
        """It runs now, and so does what it is a part of."""
        with self._recorder.lock:
            if self.parent is None or self.step.status is not StepStatus.ACCEPTED:
                return
            self.parent.begin()
            shown = self._recorder.hide(command)[:_LONGEST_TEXT]
            running = replace(self.step, status=StepStatus.RUNNING, started=datetime.now(UTC), command=shown)
            self._recorder.change(self, running)
        if shown:
            self._recorder.log(self, shown)

    def runs_as(self, job_id: str) -> None:
        """It is a job of its own."""
        with self._recorder.lock:
            self._recorder.change(self, replace(self.step, job=job_id))
        self._recorder.log(self, f"runs as job {job_id}")

    def line(self, text: str) -> None:
        """Something that its command printed."""
        text = self._recorder.hide(text)
        self._tail.append(text[:_LONGEST_LINE])
        self._recorder.log(self, text)

    def keep_tail(self, lines: Sequence[str]) -> None:
        """Lines that were not printed, but written into a file."""
        self._tail.extend(self._recorder.hide(line)[:_LONGEST_LINE] for line in lines)

    def end(
        self,
        status: StepStatus,
        message: str = "",
        exit_code: int | None = None,
        cpu_s: float | None = None,
        peak_bytes: int | None = None,
    ) -> None:
        """The first end is the one that counts. exit_code, cpu_s, peak_bytes: as in `Step`."""
        with self._recorder.lock:
            if self.parent is None or self.step.status.ended:
                return
            finished: datetime | None = datetime.now(UTC)
            started = self.step.started
            if started is None and status is StepStatus.SKIPPED:
                finished = None  # it never ran
            text = self._recorder.plain(message) if message else ""
            ended = replace(
                self.step,
                status=status,
                started=started or finished,
                finished=finished,
                tail=tuple(self._tail),
                message=text[:_LONGEST_TEXT],
                exit_code=exit_code,
                cpu_s=cpu_s,
                peak_bytes=peak_bytes,
            )
            self._recorder.change(self, ended)

    def fail(self, message: str) -> None:
        self.end(StepStatus.FAILED, message)

    def finish(self, status: str, missing: Sequence[str] = ()) -> None:
        """End as cwltool says. missing: outputs that it lacks."""
        ended = self._ended(status)
        if missing and ended is StepStatus.SUCCESSFUL:
            self.fail(f"gave no output '{missing[0]}'")
        self.end(ended)

    def _ended(self, status: str) -> StepStatus:
        if status == "success":
            return StepStatus.SUCCESSFUL
        if status != "skipped":
            return StepStatus.FAILED
        any_done = any(child.step.status in _DONE for child in self.children)
        return StepStatus.SUCCESSFUL if any_done else StepStatus.SKIPPED

    def done(self) -> float:
        """From 0 to 1: a step's share is divided among its parts."""
        if self.step.status.ended:
            return float(self.step.status is not StepStatus.FAILED)
        weights = sum(child.weight for child in self.children)
        if not weights:
            return 0.0
        return sum(child.weight * child.done() for child in self.children) / weights


class Recorder:
    """Reports to the worker what the steps of a run do. Any thread may call.

    Args:
        send: sends a message to the worker.
        alone: the run is a single tool, whose lines need no name before them.
        plain: makes what cwltool says fit for its users.
        hide: takes secrets out of what commands are called with, and print.
    """

    def __init__(
        self,
        send: Callable[[LogLine | Progress | StepChange], None],
        alone: bool,
        plain: Callable[[str], str] = str,
        hide: Callable[[str], str] = str,
    ):
        self._send = send
        self._alone = alone
        self.plain = plain
        self.hide = hide
        self.lock = threading.RLock()
        self._known = 0
        self._percent = 0
        self.root = Node(self, None, Step(0, "", StepStatus.RUNNING))
        self.failed: Step | None = None

    def add(self, parent: Node, name: str) -> Node:
        with self.lock:
            self._known += 1
            node = Node(self, parent, Step(self._known, name, StepStatus.ACCEPTED))
            parent.children.append(node)
            self._show(node.step)
        return node

    def change(self, node: Node, step: Step) -> None:
        """step: as it is from now on; the lock is held."""
        node.step = step
        self._show(step)
        if step.status is StepStatus.FAILED:
            self.failed = self.failed or step
        elif step.status.ended:
            self._show_progress()

    def log(self, node: Node, text: str) -> None:
        """A line of a step."""
        if self._alone and node.step.command == text:
            return  # the step shows it; the log of a single command begins with what that says
        line = text if self._alone else f"[{node.step.name}] {text}"
        self._send(LogLine(line))

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
        message = step.message.rstrip(".") or "failed"
        separator = " " if message.startswith(_ENDS) else ": "
        reason = f"Step '{step.name}'{separator}{message}."
        if step.command:
            reason += f"\nCommand: {_shortened(step.command)}"
        if step.tail:
            reason += "\nIts last lines:" + "".join(f"\n{line}" for line in step.tail)
        return reason


def _shortened(command: str) -> str:
    return command if len(command) <= _LONGEST_COMMAND else f"{command[:_LONGEST_COMMAND]} ..."
