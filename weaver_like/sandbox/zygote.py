"""The zygote: a warm, single-threaded process without secrets that forks one child per job.

The nursery forks it, with the runner modules imported, so the start of a job costs a fork at most: while the zygote is
idle, the next child stands by. It speaks with its worker on a socket (`sandbox.messages`). It never holds a credential
or a connection. It alone signals and reaps its children, so a process id is never signalled after it was reused.
Closing the socket ends zygote and child.
"""

import fcntl
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
import tempfile
from typing import NoReturn

from weaver_like.domain.messages import ChildMessage
from weaver_like.sandbox import kernel
from weaver_like.sandbox.messages import (
    FROM_CHILD,
    FROM_ZYGOTE,
    TO_CHILD,
    TO_ZYGOTE,
    ChildEnded,
    ChildExit,
    ChildLimits,
    ChildRequest,
    ChildStarted,
    ForkChild,
    ForkMember,
    FromZygote,
    PrepareTarget,
    SignalChild,
    ToChild,
    ToZygote,
)
from weaver_like.sandbox.wire import Wire

_BLOCKED = (signal.SIGINT, signal.SIGTERM)
#: Exit code of a child that was not asked to run anything, or could not be set up.
_NOT_RUN = 70


class Zygote:
    """Serves one worker, one child at a time."""

    def __init__(self, control: socket.socket):
        self._control: Wire[FromZygote, ToZygote] = Wire(control, FROM_ZYGOTE, TO_ZYGOTE, trusted=True)
        self._child: _Child | None = None

    def serve(self) -> None:
        """Run until the worker closes the socket; no child survives."""
        try:
            self._child = _Child()
            while self._step():
                pass
        finally:
            self._end_child()

    def _step(self) -> bool:
        child = self._child
        watched = [self._control.fileno()]
        if child is not None:
            watched.append(child.pidfd)
        ready, _, _ = select.select(watched, [], [], 0 if child is None else None)
        if not ready:
            self._child = _Child()
        if child is not None and child.pidfd in ready:
            self._report_end(child)
        if self._control.fileno() in ready:
            self._control.fill()
            for message in self._control.messages():
                self._handle(message)
        return not self._control.closed

    def _report_end(self, child: "_Child") -> None:
        ended = self._end_child()
        if child.running and ended is not None:
            self._control.send(ended)

    def _end_child(self) -> ChildEnded | None:
        child, self._child = self._child, None
        return None if child is None else child.end()

    def _handle(self, message: ToZygote) -> None:
        match message:
            case ForkChild():
                self._run(*self._take_descriptors())
            case PrepareTarget(module, target):
                self._prepare(module, target)
            case SignalChild(number):
                if self._child is not None and self._child.running:
                    self._child.signal(number)

    def _take_descriptors(self) -> tuple[int, int]:
        channel, output = self._control.descriptors[:2]
        del self._control.descriptors[:2]
        return channel, output

    def _end_waiting(self) -> None:
        """End the child that stands by: it would lack what is read from now on."""
        if self._child is not None and not self._child.running:
            self._end_child()

    def _prepare(self, module: str, target: dict[str, object]) -> None:
        """Have a runner read what it will run repeatedly; if that fails, the run itself reports why."""
        self._end_waiting()
        try:
            importlib.import_module(module).prepare(target)
        except Exception:  # foreign documents may have any fault
            return
        _freeze()

    def _run(self, channel: int, output: int) -> None:
        if self._child is not None and self._child.running:  # the worker gave up its last child
            self._end_child()
        child = self._child or _Child()
        try:
            child.order(channel, output)
        except OSError:  # it was killed while it stood by
            child.end()
            child = _Child()
            child.order(channel, output)
        os.close(channel)
        os.close(output)
        self._child = child
        self._control.send(ChildStarted(child.pid))


class _Child:
    """One child, which sets itself up after its fork and waits for its order. running: it has got the order."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _become_child(theirs, parent)
        theirs.close()
        self.pidfd = os.pidfd_open(self.pid)
        self.running = False

    def order(self, channel: int, output: int) -> None:
        """Make it run the request that comes through the channel. Raises: OSError, if it has gone."""
        socket.send_fds(self._orders, [b"!"], [channel, output])
        self.running = True

    def signal(self, number: int) -> None:
        """Signal its whole process group."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # it is not yet in a session of its own
            self._signal_alone(number)

    def _signal_alone(self, number: int) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def end(self) -> ChildEnded:
        """End it and everything that it started; how it ended and what it used, as the kernel reports."""
        # The leader is alive or a zombie here, so its group id cannot belong to anybody else.
        self.signal(signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        os.close(self.pidfd)
        self._orders.close()
        usages = [usage, *kernel.end_descendants()]
        cpu_s = sum(used.ru_utime + used.ru_stime for used in usages)
        peak_bytes = max(used.ru_maxrss for used in usages) * 1024
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            return ChildEnded(self.pid, ChildExit(None, -code, cpu_s, peak_bytes))
        return ChildEnded(self.pid, ChildExit(code, None, cpu_s, peak_bytes))


def _freeze() -> None:
    """Keep the garbage collection of children from copying the pages of all objects that exist now."""
    gc.collect()
    gc.freeze()


def _become_child(orders: socket.socket, parent: int) -> NoReturn:
    """Set up the child, wait for its order, and hand over to its runner; never returns."""
    code = _NOT_RUN
    try:
        os.setsid()
        kernel.name_process("wl-job")
        kernel.die_with_parent()
        if os.getppid() != parent:
            os._exit(code)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
        data, descriptors, _flags, _address = socket.recv_fds(orders, 1, 2)
        if not data:
            os._exit(code)
        channel, output = descriptors
        os.dup2(output, 1)
        os.dup2(output, 2)
        channel = fcntl.fcntl(channel, fcntl.F_DUPFD_CLOEXEC, 10)
        os.closerange(3, channel)
        os.closerange(channel + 1, 1 << 16)
        code = _work(Wire(socket.socket(fileno=channel), FROM_CHILD, TO_CHILD))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _work(channel: Wire[ChildMessage, ToChild]) -> int:
    request = channel.receive()
    if not isinstance(request, ChildRequest):
        return _NOT_RUN
    os.chdir(request.workdir)
    os.environ["TMPDIR"] = os.environ["HOME"] = tempfile.tempdir = request.workdir
    _limit(request.limits)
    code: int = importlib.import_module(request.module).run_in_child(request, channel)
    return code


def _limit(limits: ChildLimits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    if limits.file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    if limits.tasks:
        kernel.limit_tasks(limits.tasks)


def be_member(order: ForkMember, descriptors: list[int]) -> None:
    """Serve the worker at the other end of the first descriptor; further ones are only kept open."""
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.folder)
    kernel.adopt_orphans()
    for module in order.warm:  # they are there, but for those that could not be imported: say why
        importlib.import_module(module)
    Zygote(socket.socket(fileno=descriptors[0])).serve()
