"""The zygote: a warm, single-threaded process without secrets that forks one child per job.

`python -m weaver_like.sandbox.zygote FD MODULE...` speaks `wire` on the socket FD with its worker. It imports the runner
modules once; a start of a job then costs a fork, and not even that: while it is idle the next child stands by. It never held
a credential or a connection. It owns its children: it alone signals and reaps them, so a process id is never signalled after
it went to somebody else.

Worker -> zygote: {"run": true} with the descriptors [channel, output]; {"signal": number}; {"warm": module};
    {"prepare": target, "runner": module}.
Zygote -> worker: {"pid": n}; {"exit": {"pid", "code" | "signal", "cpu_s", "peak_bytes"}}.
Worker -> child, on the channel: the request, {"runner": module, "workdir": path, "memory_limit_bytes"?: n, "file_limit_bytes"?: n,
    "task_limit"?: n, ...}.
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
from collections.abc import Callable

from weaver_like.sandbox import kernel
from weaver_like.sandbox.wire import Reader, send

#: After a job the next child is forked a moment later: the end of this job needs the processor first.
_PAUSE_S = 0.004
_BLOCKED = (signal.SIGINT, signal.SIGTERM)


class Zygote:
    """Serves one worker, one child at a time."""

    def __init__(self, control: socket.socket):
        self._control = control
        self._reader = Reader(control)
        self._pid = 0
        self._pidfd = -1
        self._running = False
        self._order: socket.socket | None = None

    def serve(self) -> None:
        """Run until the worker closes the socket; no child survives."""
        try:
            self._stand_by()
            while self._step():
                pass
        finally:
            if self._pid:
                self._reap()

    def _step(self) -> bool:
        watched = [self._control, *([self._pidfd] if self._pid else [])]
        ready, _, _ = select.select(watched, [], [], None if self._pid else _PAUSE_S)
        if not ready:
            self._stand_by()
        if self._pid and self._pidfd in ready:
            running, end = self._running, self._reap()
            if running:
                send(self._control, {"exit": end})
        if self._control in ready:
            self._reader.fill()
            for message in self._reader.messages():
                self._obey(message)
        return not self._reader.closed

    def _obey(self, message: dict) -> None:
        if "run" in message:
            channel, output = self._reader.descriptors[:2]
            del self._reader.descriptors[:2]
            self._run(channel, output)
        elif "warm" in message:
            self._warm(message["warm"])
        elif "prepare" in message:
            self._prepare(message["runner"], message["prepare"])
        elif "signal" in message and self._running:
            self._signal(message["signal"])

    def _warm(self, module: str) -> None:
        """Import one more module; the child that stands by does not know it."""
        if self._pid and not self._running:
            self._reap()
        importlib.import_module(module)
        gc.collect()
        gc.freeze()

    def _prepare(self, module: str, target: dict) -> None:
        """Have a runner read what it will run again and again; a child that fails with it will say why."""
        if self._pid and not self._running:
            self._reap()
        try:
            importlib.import_module(module).prepare(target)
        except Exception:  # foreign documents: whatever is wrong with them is told by the run itself
            return
        gc.collect()
        gc.freeze()

    def _stand_by(self) -> None:
        """Fork the next child; it sets itself up and waits for its order."""
        order, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_child(theirs, parent)
        theirs.close()
        self._pid, self._pidfd, self._order, self._running = pid, os.pidfd_open(pid), order, False

    def _run(self, channel: int, output: int) -> None:
        if self._running:  # the worker gave its last child up
            self._reap()
        if not self._pid:
            self._stand_by()
        try:
            socket.send_fds(self._order, [b"!"], [channel, output])
        except OSError:  # it was killed while it stood by
            self._reap()
            self._stand_by()
            socket.send_fds(self._order, [b"!"], [channel, output])
        os.close(channel)
        os.close(output)
        self._running = True
        send(self._control, {"pid": self._pid})

    def _signal(self, number: int) -> None:
        for target in (lambda: os.killpg(self._pid, number), lambda: os.kill(self._pid, number)):
            try:
                return target()
            except ProcessLookupError:  # not yet in a session of its own
                continue

    def _reap(self) -> dict:
        """End the whole tree of the child; what the kernel says about its end and its use of resources."""
        # The leader is alive or a zombie here, so its group id cannot belong to anybody else.
        self._signal(signal.SIGKILL)
        _, status, usage = os.wait4(self._pid, 0)
        os.close(self._pidfd)
        self._order.close()
        cpu_s, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        for more in kernel.end_descendants():
            cpu_s, peak = cpu_s + more.ru_utime + more.ru_stime, max(peak, more.ru_maxrss * 1024)
        end = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        pid, self._pid, self._running = self._pid, 0, False
        return end | {"pid": pid, "cpu_s": cpu_s, "peak_bytes": peak}


def _become_child(order: socket.socket, parent: int) -> None:
    """Never returns: sets up the child, waits for its order, and hands over to its runner."""
    code = 70
    try:
        os.setsid()
        kernel.die_with_parent()
        if os.getppid() != parent:
            os._exit(code)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
        data, descriptors, _flags, _address = socket.recv_fds(order, 1, 2)
        if not data:
            os._exit(code)
        channel, output = descriptors
        os.dup2(output, 1)
        os.dup2(output, 2)
        channel = fcntl.fcntl(channel, fcntl.F_DUPFD_CLOEXEC, 10)
        os.closerange(3, channel)
        os.closerange(channel + 1, 1 << 16)
        code = _work(Reader(socket.socket(fileno=channel)))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _work(reader: Reader) -> int:
    request = reader.next()
    if request is None:
        return 70
    os.chdir(request["workdir"])
    os.environ["TMPDIR"] = os.environ["HOME"] = tempfile.tempdir = request["workdir"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = request.get("memory_limit_bytes")
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    size = request.get("file_limit_bytes")
    if size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    tasks = request.get("task_limit")
    if tasks:
        kernel.limit_tasks(tasks)
    return _runner(request["runner"])(request, reader.channel)


def _runner(module: str) -> Callable[[dict, socket.socket], int]:
    return importlib.import_module(module).run_in_child


def main() -> None:
    """Entry point; the worker gives the socket and the modules to keep warm."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The worker decides when we end, by closing the socket. Blocked, not ignored: a signal to a child just forked must not be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    for number in _BLOCKED:
        signal.signal(number, signal.SIG_DFL)
    sys.dont_write_bytecode = True  # a plugin that is edited twice in one second must not run from its old bytecode
    kernel.adopt_orphans()
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # forked children do not copy these pages when they collect
    Zygote(control).serve()


if __name__ == "__main__":
    main()
