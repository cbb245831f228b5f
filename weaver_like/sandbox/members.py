"""This process's side of the nursery: has it fork workers and zygotes, signals them, and learns how they ended."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from weaver_like.sandbox.messages import TO_NURSERY, ForkMember, SignalMember, ToNursery, WarmModules
from weaver_like.sandbox.spawn import scrubbed_environment, spawn
from weaver_like.sandbox.wire import Wire

#: How long a nursery gets to end after all that it forked has ended.
_END_S = 10.0


class Nursery:
    """The nursery of this process, started at first use and again if it was lost. Any thread may call.

    Args:
        modules: that it imports at its start.
    """

    def __init__(self, modules: Sequence[str]):
        self._modules = list(modules)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: Wire[ToNursery, ToNursery] | None = None

    def warm(self, modules: Sequence[str]) -> None:
        """Have more modules imported, for what is forked from now on; starts it."""
        with self._lock:
            self._started().send(WarmModules(tuple(modules)))

    def join(self, descriptor: int) -> None:
        """Use the nursery of another process. descriptor: the link that it gave."""
        self._orders = _wire(socket.socket(fileno=descriptor))

    def fork(self, order: ForkMember, descriptors: Sequence[int]) -> "Member":
        """Have a member forked. descriptors: its own, without the link. Raises: OSError."""
        heard, told = os.pipe()
        try:
            self._send(order, [told, *descriptors])
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(told)
        return Member(self, heard)

    def signal(self, pid: int, number: int) -> None:
        """Signal a member, if it lives."""
        with self._lock:
            if self._orders is None:
                return
            try:
                self._orders.send(SignalMember(pid, number))
            except OSError:
                pass  # the nursery has gone, and this member with it

    def close(self) -> None:
        """Let it end, once all that it forked has ended."""
        with self._lock:
            orders, process = self._orders, self._process
            self._orders = self._process = None
        if orders is not None:
            orders.close()
        if process is None:
            return
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _send(self, order: ForkMember, descriptors: list[int]) -> None:
        with self._lock:
            try:
                self._send_once(order, descriptors)
            except (BrokenPipeError, ConnectionResetError):  # it has died
                if self._process is None:  # it is another process's
                    raise
                self._process.kill()
                self._process.wait()
                self._orders = None
                self._send_once(order, descriptors)

    def _send_once(self, order: ForkMember, descriptors: list[int]) -> None:
        orders = self._started()
        link = [orders.fileno()] if order.linked else []
        orders.send(order, [*descriptors, *link])

    def _started(self) -> Wire[ToNursery, ToNursery]:
        if self._orders is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-I", "-m", "weaver_like.sandbox.nursery", str(theirs.fileno()), *self._modules]
            self._process = spawn(command, pass_fds=[theirs.fileno()], env=scrubbed_environment(), cwd="/")
            theirs.close()
            self._orders = _wire(ours)
        return self._orders


def _wire(channel: socket.socket) -> Wire[ToNursery, ToNursery]:
    return Wire(channel, TO_NURSERY, TO_NURSERY)


class Member:
    """A process that the nursery forked. Any thread may call.

    Attributes:
        code: its exit code, or minus the number of the signal that killed it; None while it lives.
    """

    def __init__(self, nursery: Nursery, heard: int):
        self._nursery = nursery
        self._heard = heard
        self._lock = threading.Lock()
        self._text = b""
        self._pid: int | None = None
        self.code: int | None = None

    @property
    def pid(self) -> int:
        """Its process id, which is told when it was forked; 0 if it could not be."""
        while self.code is None and self._pid is None:
            self._listen(None)
        return self._pid or 0

    @property
    def lives(self) -> bool:
        return not self.wait(0)

    def wait(self, limit_s: float | None = None) -> bool:
        """Wait for its end, with all that it started; False if it still lives after `limit_s` (None: no limit)."""
        end = None if limit_s is None else time.monotonic() + limit_s
        while self.code is None:
            left_s = None if end is None else max(0.0, end - time.monotonic())
            if not self._listen(left_s):
                return False
        return True

    def signal(self, number: int) -> None:
        """Signal it; nothing happens if it has ended."""
        pid = self.pid
        if pid and self.code is None:
            self._nursery.signal(pid, number)

    def _listen(self, limit_s: float | None) -> bool:
        """Read what is told of it; False if nothing was within `limit_s`."""
        if not _readable(self._heard, limit_s):  # without the lock: others ask meanwhile, and do not wait
            return False
        with self._lock:
            if self.code is None and _readable(self._heard, 0):
                self._read()
        return True

    def _read(self) -> None:
        data = os.read(self._heard, 64)
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            if self._pid is None:
                self._pid = int(line)
            else:
                self.code = int(line)
        if not data and self.code is None:  # the nursery was killed, or could not fork
            self.code = -signal.SIGKILL
        if self.code is not None:
            os.close(self._heard)


def _readable(descriptor: int, limit_s: float | None) -> bool:
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    return bool(watch.poll(None if limit_s is None else limit_s * 1000))
