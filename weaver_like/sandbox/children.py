"""The worker's side of its zygote: start one child, hear it, signal it, learn how it ended."""

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from weaver_like.sandbox import started
from weaver_like.sandbox.wire import Reader, send

#: What a zygote and its children see of the environment; nothing of the service's own.
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


def scrubbed_environment(**more: str) -> dict[str, str]:
    """The environment of processes that run foreign code."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONUNBUFFERED": "1"} | more


@dataclass(frozen=True, slots=True)
class ChildExit:
    """How a child ended. code: exit code, or None; signal: number that killed it, or None."""

    code: int | None
    signal: int | None
    cpu_s: float
    peak_bytes: int

    def reason(self) -> str:
        if self.signal is not None:
            return f"was killed by signal {self.signal} ({signal.strsignal(self.signal)})"
        return f"ended with code {self.code}"


#: Targets that a zygote holds at the same time.
_PREPARED = 50
#: What `Child.events` yields: a message of the job's code, a line that it printed, or its end.
ChildEvent = dict | str | ChildExit


class ZygoteLost(Exception):
    """The zygote died; its child died with it."""


class Children:
    """One zygote, started at first use and again if it was lost. inherited: descriptors that it keeps open while it lives."""

    def __init__(self, modules: Sequence[str], home: Path, inherited: Sequence[int] = ()):
        self._modules = list(modules)
        self._warm: set[str] = set()
        self._prepared: dict[str, None] = {}
        self._home = home
        self._inherited = list(inherited)
        self._process: subprocess.Popen | None = None
        self.control: socket.socket | None = None
        self.reader: Reader | None = None

    def start(self) -> None:
        """Have a zygote, warm."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-m", "weaver_like.sandbox.zygote", str(theirs.fileno()), *self._modules]
        environment = scrubbed_environment(HOME=str(self._home), TMPDIR=str(self._home))
        self._process = started.start(
            command, pass_fds=[theirs.fileno(), *self._inherited], env=environment, cwd=self._home
        )
        theirs.close()
        self._warm = set(self._modules)
        self._prepared = {}
        self.control, self.reader = ours, Reader(ours)

    def fork(self, request: dict) -> "Child":
        """Have the zygote fork a child for `request`: {"runner": module, "workdir": path, "memory_limit_bytes"?: n, ...}."""
        self.start()
        try:
            self._get_ready(request)
        except OSError as error:
            raise ZygoteLost("the zygote has gone") from error
        return Child(self, request)

    def _get_ready(self, request: dict) -> None:
        """Have the zygote import the runner, and read a target that names its digest, once."""
        runner, target = request["runner"], request.get("target", {})
        if runner not in self._warm:
            self._warm.add(runner)
            send(self.control, {"warm": runner})
        key = target.get("digest")
        if key is not None and key not in self._prepared:
            while len(self._prepared) >= _PREPARED:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[key] = None
            send(self.control, {"prepare": target, "runner": runner})

    def stop(self) -> None:
        """End the zygote and its child; both are gone when this returns, with everything that the child started."""
        if self.control is not None:
            self.control.close()
        if self._process is not None:
            self._process.wait()
            started.end_orphans()  # a zygote that was killed could not do it
        self._process, self.control, self.reader = None, None, None


class Child:
    """One running child. Use `events` until it yields `ChildExit`, or `kill` it; always `close` it."""

    def __init__(self, children: Children, request: dict):
        self._children = children
        self.pid = 0
        self.channel, theirs = socket.socketpair()
        self._output, output = os.pipe()
        self._messages = Reader(self.channel)
        self._line = b""
        self._ended: ChildExit | None = None
        try:
            send(children.control, {"run": True}, [theirs.fileno(), output])
        except OSError as error:
            self.channel.close()
            os.close(self._output)
            raise ZygoteLost("the zygote has gone") from error
        finally:
            theirs.close()
            os.close(output)
        self.send(request)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.channel, selectors.EVENT_READ, self._read_channel)
        self.selector.register(self._output, selectors.EVENT_READ, self._read_output)
        self.selector.register(children.control, selectors.EVENT_READ, self._read_control)

    def events(self, timeout_s: float | None) -> Iterator[ChildEvent]:
        """Wait at most `timeout_s` and yield what came; after `ChildExit` nothing comes any more.

        Raises: ZygoteLost.
        """
        for key, _ in self.selector.select(timeout_s):
            if callable(key.data):
                yield from key.data()
        if self._ended is not None:
            yield from self._drain()
            yield self._ended

    def send(self, message: dict) -> None:
        """Tell the child something; nothing happens if it has ended."""
        try:
            send(self.channel, message)
        except OSError:
            pass

    def signal(self, number: int) -> None:
        """Signal the whole group of the child."""
        try:
            send(self._children.control, {"signal": int(number)})
        except OSError as error:
            raise ZygoteLost("the zygote has gone") from error

    def close(self) -> None:
        self.selector.close()
        self.channel.close()
        os.close(self._output)

    def _read_channel(self) -> Iterator[ChildEvent]:
        self._messages.fill()
        yield from self._messages.messages()
        if self._messages.closed:
            self.selector.unregister(self.channel)

    def _read_output(self) -> Iterator[ChildEvent]:
        data = os.read(self._output, 1 << 16)
        if not data:
            self.selector.unregister(self._output)
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > 1 << 16:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")

    def _read_control(self) -> Iterator[ChildEvent]:
        reader = self._children.reader
        reader.fill()
        for message in reader.messages():
            if "pid" in message:
                self.pid = message["pid"]
            elif "exit" in message and message["exit"]["pid"] == self.pid:
                end = message["exit"]
                self._ended = ChildExit(end.get("code"), end.get("signal"), end["cpu_s"], end["peak_bytes"])
        if reader.closed and self._ended is None:
            raise ZygoteLost("the zygote has gone")
        return iter(())

    def _drain(self) -> Iterator[ChildEvent]:
        """Everything that the child wrote before it ended: it has gone, so both ends come."""
        while self.channel in self.selector.get_map():
            yield from self._read_channel()
        while self._output in self.selector.get_map():
            yield from self._read_output()
        if self._line:
            line, self._line = self._line, b""
            yield line.decode("utf-8", "replace")
