"""To start a command and stay with it until it has ended: what it prints, how long it takes, what it used."""

import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO

from weaver_like.observe.statistics import TreeMeter
from weaver_like.sandbox.commands import Launch
from weaver_like.schemas.jsontext import loads

#: Of a file that a command wrote its messages into, the last part is looked at.
_TAIL_BYTES = 16 * 2**10
_LINE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class CommandExit:
    """How a command ended. code: negative: the signal that killed it.  peak_bytes: None if not known."""

    code: int
    timed_out: bool
    cpu_s: float
    peak_bytes: int | None

    def reason(self) -> str:
        # bubblewrap and shells tell a signal of what they started by a code above 128.
        number = -self.code if self.code < 0 else self.code - 128
        if self.code < 0 or self.code in (
            128 + signal.SIGKILL,
            128 + signal.SIGSEGV,
            128 + signal.SIGABRT,
            128 + signal.SIGXFSZ,
        ):
            return f"was killed by signal {number} ({signal.strsignal(number)})"
        return f"ended with exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Streams:
    """Paths of files; None: no input, and what is printed goes to the log."""

    stdin: str | None
    stdout: str | None
    stderr: str | None


def start(launch: Launch, folder: str, streams: Streams) -> tuple[subprocess.Popen, int]:
    """The command, leader of a session of its own, and the end of a pipe with what it prints. Raises: OSError."""
    read, write = os.pipe()
    try:
        with (
            _Opened(streams.stdin, "rb", subprocess.DEVNULL) as stdin,
            _Opened(streams.stdout, "wb", write) as stdout,
            _Opened(streams.stderr, "wb", write) as stderr,
        ):
            process = subprocess.Popen(
                launch.argv,
                stdin=stdin.target,
                stdout=stdout.target,
                stderr=stderr.target,
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


def attend(process: subprocess.Popen, output: int, limit_s: int | None, say: Callable[[str], None]) -> CommandExit:
    """Stay with a command until it has ended, or its time is over; whatever it started in its session ends with it. Closes `output`."""
    deadline, meter = time.monotonic() + limit_s if limit_s else float("inf"), TreeMeter()
    pidfd, ready = os.pidfd_open(process.pid), select.poll()
    ready.register(pidfd, select.POLLIN)
    ready.register(output, select.POLLIN)
    lines, timed_out = _Lines(say), False
    try:
        while True:
            events = dict(ready.poll(max(0.0, min(deadline, meter.due) - time.monotonic()) * 1000))
            if time.monotonic() >= deadline:  # looked at first: a command that never stops printing has a limit too
                timed_out = True
                break
            if output in events and not lines.feed(os.read(output, 1 << 16)):
                ready.unregister(output)
            elif pidfd in events:
                break
            elif time.monotonic() >= meter.due:
                meter.sample(process.pid)
        _end_session(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        _drain(output, lines)
    finally:
        os.close(pidfd)
        os.close(output)
    lines.end()
    return CommandExit(
        code, timed_out, usage.ru_utime + usage.ru_stime, max(_told_peak(usage), meter.peak_bytes) or None
    )


def with_inner(ended: CommandExit, told: int) -> CommandExit:
    """What a sandbox used too: its process 1 outlives bubblewrap for a moment, and comes to this process, which adopts orphans.

    told: end of the pipe in which bubblewrap told its id; -1: there is none.
    """
    if told < 0:
        return ended
    os.set_blocking(told, False)
    try:
        inner = int(loads(os.read(told, 4096))["child-pid"])
        usage = os.wait4(inner, 0)[2]
    except (BlockingIOError, ChildProcessError, ValueError, KeyError):  # it never came to that
        return ended
    return replace(
        ended,
        cpu_s=ended.cpu_s + usage.ru_utime + usage.ru_stime,
        peak_bytes=max(ended.peak_bytes or 0, _told_peak(usage)) or None,
    )


def _told_peak(usage: resource.struct_rusage) -> int:
    """Bytes; 0 if the kernel does not tell: it counts what the process had before it became the command, which is the memory of this one."""
    return usage.ru_maxrss * 1024 if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss else 0


def _end_session(group: int) -> None:
    # The leader is not reaped yet, so the number cannot belong to anybody else.
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _drain(output: int, lines: "_Lines") -> None:
    """What is left in the pipe; somebody who left the session may hold it open, so nobody waits, and no more is read than fits a pipe."""
    os.set_blocking(output, False)
    left = 1 << 20
    try:
        while left > 0 and (data := os.read(output, 1 << 16)):
            lines.feed(data)
            left -= len(data)
    except BlockingIOError:
        pass


class _Opened:
    """A file that is open as long as it takes to start a command, or a descriptor that is there anyway."""

    def __init__(self, path: str | None, mode: str, otherwise: int):
        self._file: IO | None = open(path, mode) if path else None
        self.target = self._file if self._file is not None else otherwise

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


class _Lines:
    """What a command prints, by lines."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._rest = b""

    def feed(self, data: bytes) -> bool:
        """False at the end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
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
        return file.read(_TAIL_BYTES).decode("utf-8", "replace").splitlines()[-20:]
