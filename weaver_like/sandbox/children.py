"""The worker's side of its zygote: starts a child, listens to it, signals it, and learns how it ended."""

import os
import select
import selectors
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from weaver_like.domain.messages import ChildMessage
from weaver_like.sandbox import kernel
from weaver_like.sandbox.members import Member, Nursery
from weaver_like.sandbox.messages import (
    FROM_CHILD,
    FROM_ZYGOTE,
    TO_CHILD,
    TO_ZYGOTE,
    ChildEnded,
    ChildExit,
    ChildRequest,
    ChildStarted,
    ForkChild,
    ForkMember,
    FromWorkerToChild,
    FromZygote,
    PrepareTarget,
    RunJob,
    SignalChild,
    ToChild,
    ToZygote,
)
from weaver_like.sandbox.spawn import scrubbed_environment
from weaver_like.sandbox.wire import Wire

#: Targets that a zygote holds at the same time.
_PREPARED = 50
#: Longer lines are split.
_LINE_BYTES = 1 << 16
#: What `Child.events` yields: a message of the job's code, a line that it printed, or its end.
ChildEvent = ChildMessage | str | ChildExit


class ZygoteLost(Exception):
    """The zygote died; its child died with it."""


class Children:
    """One zygote, started at first use and again if it was lost.

    Args:
        nursery: forks it.
        modules: runners that it has imported from the start; more come with the first job that needs them.
        home: where it works.
        inherited: descriptors that it keeps open.
        name: shown by `ps -o comm`.
    """

    def __init__(
        self,
        nursery: Nursery,
        modules: Sequence[str],
        home: Path,
        inherited: Sequence[int] = (),
        name: str = "wl-zygote",
    ):
        self._nursery = nursery
        self._modules = list(modules)
        self._prepared: dict[str, None] = {}
        self._home = home
        self._inherited = list(inherited)
        self._name = name
        self._zygote: Member | None = None
        self._control: Wire[ToZygote, FromZygote] | None = None
        self._helper: Children | None = None

    @property
    def helper(self) -> "Children":
        """Another one, for a job that the running child waits for; it is kept until `close`."""
        if self._helper is None:
            self._helper = Children(self._nursery, self._modules, self._home, self._inherited, self._name)
        return self._helper

    def start(self) -> None:
        """Start the zygote, unless it runs. Raises: OSError."""
        if self._zygote is not None and self._zygote.lives:
            return
        self.stop()
        ours, theirs = socket.socketpair()
        order = ForkMember(
            module="weaver_like.sandbox.zygote",
            name=self._name,
            descriptors=2 + len(self._inherited),
            warm=tuple(self._modules),
            folder=str(self._home),
            environment=scrubbed_environment(HOME=str(self._home), TMPDIR=str(self._home)),
        )
        try:
            self._zygote = self._nursery.fork(order, [theirs.fileno(), *self._inherited])
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._prepared = {}
        self._control = Wire(ours, TO_ZYGOTE, FROM_ZYGOTE)

    def fork(self, request: ChildRequest) -> "Child":
        """Have the zygote fork a child for a request.

        Raises: ZygoteLost; the next call starts another zygote. OSError.
        """
        if request.module not in self._modules:
            self._modules.append(request.module)
            self.stop()  # the next one has it imported
        self.start()
        assert self._control is not None
        try:
            if isinstance(request.task, RunJob) and "digest" in request.task.target:
                self._prepare(self._control, request.module, request.task.target)
        except OSError as error:
            raise ZygoteLost("the zygote has gone") from error
        assert self._zygote is not None
        return Child(self._control, request, self._zygote)

    def _prepare(self, control: Wire[ToZygote, FromZygote], module: str, target: dict[str, Any]) -> None:
        """Have the zygote read a target, once; only targets with a digest are read."""
        digest = target["digest"]
        if digest in self._prepared:
            return
        while len(self._prepared) >= _PREPARED:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[digest] = None
        control.send(PrepareTarget(module, target))

    def stop(self) -> None:
        """End the zygote and its child; both are gone when this returns, with everything that the child started."""
        if self._control is not None:
            self._control.close()
        if self._zygote is not None:
            self._zygote.wait()
        self._zygote, self._control = None, None

    def close(self) -> None:
        """`stop`, and the helper too."""
        if self._helper is not None:
            self._helper.close()
        self.stop()


class Child:
    """One running child. Use `events` until it yields `ChildExit`, or `signal` it; always `close` it."""

    def __init__(self, control: Wire[ToZygote, FromZygote], request: ChildRequest, zygote: Member):
        self._control = control
        self._zygote = zygote
        self.pid = 0
        channel, theirs = socket.socketpair()
        self._channel: Wire[ToChild, ChildMessage] = Wire(channel, TO_CHILD, FROM_CHILD)
        self._output, output = os.pipe()
        self._line = b""
        self._exit: ChildExit | None = None
        try:
            control.send(ForkChild(), [theirs.fileno(), output])
        except OSError as error:
            channel.close()
            os.close(self._output)
            raise ZygoteLost("the zygote has gone") from error
        finally:
            theirs.close()
            os.close(output)
        self._send(request)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._channel, selectors.EVENT_READ, self._read_channel)
        self._selector.register(self._output, selectors.EVENT_READ, self._read_output)
        self._selector.register(control, selectors.EVENT_READ, self._read_control)

    def watch(self, descriptor: int) -> None:
        """Make `events` return also when a descriptor becomes readable."""
        self._selector.register(descriptor, selectors.EVENT_READ)

    def unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def events(self, timeout_s: float | None) -> Iterator[ChildEvent]:
        """Wait at most `timeout_s` seconds and yield what came; `ChildExit` is the last event.

        Raises: ZygoteLost; WireError, MessageError, if the job's code sent an invalid message.
        """
        for key, _ in self._selector.select(timeout_s):
            if callable(key.data):
                yield from key.data()
        if self._exit is not None:
            yield from self._drain()
            yield self._exit

    @property
    def is_alone(self) -> bool:
        """Whether all that it started has ended: processes that it left would be its children, or the zygote's."""
        zygote = self._zygote.pid
        return kernel.children_of(zygote) == [self.pid] and not kernel.children_of(self.pid)

    @property
    def threads(self) -> int:
        return kernel.count_threads(self.pid)

    def answer(self, answer: FromWorkerToChild) -> None:
        """Answer a question of the child; nothing happens if it has ended."""
        self._send(answer)

    def _send(self, message: ToChild) -> None:
        try:
            self._channel.send(message)
        except OSError:
            pass

    def signal(self, number: int) -> None:
        """Signal the whole group of the child. Raises: ZygoteLost."""
        try:
            self._control.send(SignalChild(int(number)))
        except OSError as error:
            raise ZygoteLost("the zygote has gone") from error

    def close(self) -> None:
        self._selector.close()
        self._channel.close()
        os.close(self._output)

    def _read_channel(self) -> Iterator[ChildEvent]:
        self._channel.fill()
        yield from self._channel.messages()
        if self._channel.closed:
            self._selector.unregister(self._channel)

    def _read_output(self) -> Iterator[ChildEvent]:
        data = os.read(self._output, 1 << 16)
        if not data:
            self._selector.unregister(self._output)
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _LINE_BYTES:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")

    def _read_control(self) -> Iterator[ChildEvent]:
        self._control.fill()
        for message in self._control.messages():
            match message:
                case ChildStarted(pid):
                    self.pid = pid
                case ChildEnded(pid, exit) if pid == self.pid:
                    self._exit = exit
        if self._control.closed and self._exit is None:
            raise ZygoteLost("the zygote has gone")
        return iter(())

    def printed(self) -> Iterator[ChildEvent]:
        """Yield what it has printed so far; does not wait."""
        while self._output in self._selector.get_map() and select.select([self._output], [], [], 0)[0]:
            yield from self._read_output()
        yield from self._last_line()

    def _drain(self) -> Iterator[ChildEvent]:
        """Everything that the child wrote before it ended: both streams have an end now."""
        while self._channel in self._selector.get_map():
            yield from self._read_channel()
        while self._output in self._selector.get_map():
            yield from self._read_output()
        yield from self._last_line()

    def _last_line(self) -> Iterator[ChildEvent]:
        if self._line:
            line, self._line = self._line, b""
            yield line.decode("utf-8", "replace")
