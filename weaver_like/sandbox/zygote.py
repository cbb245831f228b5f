"""The zygote: a warm, single-threaded process without secrets that forks one child per job.

`python -m weaver_like.sandbox.zygote FD MODULE...` speaks `wire` on the socket FD with its worker. It imports the runner
modules once; a start of a job then costs a fork. It never held a credential or a connection. It owns its children: it alone
signals and reaps them, so a process id is never signalled after it went to somebody else.

Worker -> zygote: {"run": request} with the descriptors [channel, output]; {"signal": number}.
Zygote -> worker: {"pid": n}; {"exit": {"code" | "signal", "cpu_s", "peak_bytes"}}; closing the socket ends zygote and child.
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
from collections.abc import Callable

from weaver_like.sandbox import kernel
from weaver_like.sandbox.wire import Reader, send


class Zygote:
    """Serves one worker, one child at a time."""

    def __init__(self, control: socket.socket):
        self._control = control
        self._reader = Reader(control)
        self._pid = 0
        self._pidfd = -1

    def serve(self) -> None:
        """Run until the worker closes the socket; no child survives."""
        try:
            while self._step():
                pass
        finally:
            if self._pid:
                self._reap()

    def _step(self) -> bool:
        watched = [self._control, *([self._pidfd] if self._pid else [])]
        ready, _, _ = select.select(watched, [], [])
        if self._pid and self._pidfd in ready:
            send(self._control, {"exit": self._reap()})
        if self._control in ready:
            self._reader.fill()
            for message in self._reader.messages():
                self._obey(message)
        return not self._reader.closed

    def _obey(self, message: dict) -> None:
        if "run" in message:
            channel, output = self._reader.descriptors[:2]
            del self._reader.descriptors[:2]
            self._fork(message["run"], channel, output)
        elif "signal" in message and self._pid:
            self._signal(message["signal"])

    def _fork(self, request: dict, channel: int, output: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_child(request, channel, output, parent)
        self._pid, self._pidfd = pid, os.pidfd_open(pid)
        os.close(channel)
        os.close(output)
        send(self._control, {"pid": pid})

    def _signal(self, number: int) -> None:
        for target in (lambda: os.killpg(self._pid, number), lambda: os.kill(self._pid, number)):
            try:
                return target()
            except ProcessLookupError:  # not yet in a session of its own
                continue

    def _reap(self) -> dict:
        """End the whole tree of the child; what the kernel says about its end and its use of resources."""
        # The leader is still a zombie here, so its group id cannot belong to anybody else.
        self._signal(signal.SIGKILL)
        _, status, usage = os.wait4(self._pid, 0)
        os.close(self._pidfd)
        cpu_s, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        for more in _end_descendants():
            cpu_s, peak = cpu_s + more.ru_utime + more.ru_stime, max(peak, more.ru_maxrss * 1024)
        self._pid = 0
        end = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        return end | {"cpu_s": cpu_s, "peak_bytes": peak}


def _end_descendants() -> list[resource.struct_rusage]:
    """Kill and reap whatever left the group of the child; it became ours when its parent ended."""
    usages = []
    while remaining := kernel.children_of(os.getpid()):
        for pid in remaining:
            os.kill(pid, signal.SIGKILL)
            usages.append(os.wait4(pid, 0)[2])
    return usages


def _become_child(request: dict, channel: int, output: int, parent: int) -> None:
    """Never returns: sets up the child and hands over to its runner."""
    code = 70
    try:
        os.setsid()
        kernel.die_with_parent()
        if os.getppid() != parent:
            os._exit(code)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        channel = fcntl.fcntl(channel, fcntl.F_DUPFD_CLOEXEC, 10)
        os.closerange(3, channel)
        os.closerange(channel + 1, 1 << 16)
        os.chdir(request["workdir"])
        _limit(request)
        code = _runner(request["runner"])(request, socket.socket(fileno=channel))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _limit(request: dict) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = request.get("memory_limit_bytes")
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _runner(module: str) -> Callable[[dict, socket.socket], int]:
    return importlib.import_module(module).run_in_child


def main() -> None:
    """Entry point; the worker gives the socket and the modules to keep warm."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the worker decides when we end, by closing the socket
    kernel.adopt_orphans()
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # forked children do not copy these pages when they collect
    Zygote(control).serve()


if __name__ == "__main__":
    main()
