"""To start a command and stay with it until it has ended: what it prints, how long it takes, what it used."""

import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO, Any

from weaver_like.observe.statistics import TreeMeter
from weaver_like.sandbox.launch import Launch
from weaver_like.schemas.jsontext import loads

#: Of a file that a command wrote its messages into, the last part is looked at.
_TAIL_BYTES, _TAIL_LINES = 16 * 2**10, 20
_LINE_BYTES = _READ_BYTES = 1 << 16
#: What a pipe holds at the most.
_PIPE_BYTES = 1 << 20
#: Signals of which bubblewrap and shells tell by a code above 128, when they killed what those started.
_TOLD_SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class CommandExit:
    """How a command ended. code: negative: the signal that killed it.  peak_bytes: None if not known."""

    code: int
    timed_out: bool
    cpu_s: float
    peak_bytes: int | None

    def reason(self) -> str:
        number = self._signal()
        if number is None:
            return f"ended with exit code {self.code}"
        return f"was killed by signal {number} ({signal.strsignal(number)})"

    def _signal(self) -> int | None:
        if self.code < 0:
            return -self.code
        return self.code - 128 if self.code - 128 in _TOLD_SIGNALS else None


@dataclass(frozen=True, slots=True)
class Streams:
    """Paths of files; None: no input, and what is printed goes to the log."""

    stdin: str | None
    stdout: str | None
    stderr: str | None


def start(launch: Launch, folder: str, streams: Streams) -> tuple[subprocess.Popen[bytes], int]:
    """The command, leader of a session of its own, and the end of a pipe with what it prints. Raises: OSError."""
    read, write = os.pipe()
    try:
        with ExitStack() as files:
            process = subprocess.Popen(
                launch.argv,
                stdin=_opened(files, streams.stdin, "rb", subprocess.DEVNULL),
                stdout=_opened(files, streams.stdout, "wb", write),
                stderr=_opened(files, streams.stderr, "wb", write),
                env=launch.environment,
                cwd=folder,
                pass_fds=launch.descriptors,
                start_new_session=True,
            )
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    return process, read


def _opened(files: ExitStack, path: str | None, mode: str, otherwise: int) -> IO[bytes] | int:
    """A file, open as long as `files` is; without a path the descriptor `otherwise`."""
    return files.enter_context(open(path, mode)) if path else otherwise


def attend(
    process: subprocess.Popen[bytes], output: int, limit_s: int | None, say: Callable[[str], None]
) -> CommandExit:
    """Stay with a command until it has ended, or its time is over; whatever it started in its session ends with it.

    output: the end of the pipe that `start` gave; it is closed.  say: gets each line that is printed.
    """
    deadline = time.monotonic() + limit_s if limit_s else float("inf")
    meter = TreeMeter()
    lines = _Lines(say)
    pidfd = os.pidfd_open(process.pid)
    try:
        timed_out = _wait(process.pid, pidfd, output, deadline, meter, lines)
        _end_session(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        _drain(output, lines)
    finally:
        os.close(pidfd)
        os.close(output)
    lines.end()
    peak_bytes = max(_told_peak(usage), meter.peak_bytes) or None
    return CommandExit(code, timed_out, usage.ru_utime + usage.ru_stime, peak_bytes)


def _wait(pid: int, pidfd: int, output: int, deadline: float, meter: TreeMeter, lines: "_Lines") -> bool:
    """Until the command has ended, or the deadline; whether that came first."""
    ready = select.poll()
    ready.register(pidfd, select.POLLIN)
    ready.register(output, select.POLLIN)
    while True:
        left_s = max(0.0, min(deadline, meter.due) - time.monotonic())
        events = dict(ready.poll(left_s * 1000))
        if time.monotonic() >= deadline:  # looked at first: a command that never stops printing has a limit too
            return True
        if output in events and not lines.feed(os.read(output, _READ_BYTES)):
            ready.unregister(output)
        elif pidfd in events:
            return False
        elif time.monotonic() >= meter.due:
            meter.sample(pid)


def with_inner(ended: CommandExit, told: int) -> CommandExit:
    """Add what process 1 of the sandbox used: it outlives bubblewrap for a moment, and this process adopts orphans.

    told: end of the pipe in which bubblewrap told its id; -1: there is none.
    """
    if told < 0:
        return ended
    os.set_blocking(told, False)
    try:
        document: Any = loads(os.read(told, 4096))
        usage = os.wait4(int(document["child-pid"]), 0)[2]
    except (BlockingIOError, ChildProcessError, ValueError, KeyError, TypeError):  # it never came to that
        return ended
    return replace(
        ended,
        cpu_s=ended.cpu_s + usage.ru_utime + usage.ru_stime,
        peak_bytes=max(ended.peak_bytes or 0, _told_peak(usage)) or None,
    )


def _told_peak(usage: resource.struct_rusage) -> int:
    """The peak of memory in bytes, 0 if the kernel does not tell it.

    It counts what the process had before it became the command, which is the memory of this one.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage.ru_maxrss * 1024 if usage.ru_maxrss > own else 0


def _end_session(group: int) -> None:
    # The leader is not reaped yet, so the number cannot belong to anybody else.
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _drain(output: int, lines: "_Lines") -> None:
    """Read what is left in the pipe, without waiting, and no more than a pipe holds.

    Whoever left the session may keep it open.
    """
    os.set_blocking(output, False)
    left = _PIPE_BYTES
    try:
        while left > 0:
            data = os.read(output, _READ_BYTES)
            if not data:
                return
            lines.feed(data)
            left -= len(data)
    except BlockingIOError:
        pass


class _Lines:
    """What a command prints, by lines."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._rest = b""

    def feed(self, data: bytes) -> bool:
        """False at the end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._say(line.decode("utf-8", "replace").rstrip("\r"))
        return bool(data)

    def end(self) -> None:
        if self._rest:
            self._say(self._rest.decode("utf-8", "replace"))


def tail_of(path: str) -> list[str]:
    """The last lines of a file."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _TAIL_BYTES))
        return file.read(_TAIL_BYTES).decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
