"""Starts programs in order, restarts those that die, and stops them in order."""

import fcntl
import http.client
import logging
import logging.handlers
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from weaver_like.cli.programs import OWN, Program
from weaver_like.domain.errors import SettingError
from weaver_like.sandbox import kernel

#: Seconds before a part that died is restarted: the first time, and at most. The pause doubles with each death, until a
#: part has lived for long.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONG_LIFE_S = 1.0, 30.0, 60.0
_READY_S = 60.0
#: Kinds of parts in the order in which they are stopped; worker-1 and worker-2 together.
_STOP_ORDER = ("web", "worker", "redis", "mongod")


class _Part:
    """A program under supervision. Its output goes to DATA/logs/<name>.log: 10 MiB, and one old file."""

    def __init__(self, program: Program, logs: Path):
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        #: `time.monotonic()` at which a part that died is restarted.
        self.start_at = 0.0
        self._born = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._log = logging.Logger(program.name)
        self._log.addHandler(
            logging.handlers.RotatingFileHandler(
                logs / f"{program.name}.log", maxBytes=10 * 2**20, backupCount=1, encoding="utf-8"
            )
        )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def ready(self) -> bool:
        program = self.program
        if program.port is None:
            return self.alive
        try:
            if program.path:
                return _answers_200(program.host, program.port, program.path) and self.alive
            socket.create_connection((program.host, program.port), timeout=1).close()
        except (OSError, http.client.HTTPException):
            return False
        return self.alive

    def start(self) -> None:
        self._born = time.monotonic()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        # Own session: Ctrl-C in the terminal reaches the supervisor alone. If the supervisor is killed, the kernel ends
        # its parts: one system call between fork and exec, which needs no lock that another thread could hold.
        self.process = subprocess.Popen(
            self.program.command,
            env=inherited | self.program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=kernel.die_with_parent,  # noqa: PLW1509
        )
        threading.Thread(target=self._copy, args=(self.process,), name=self.program.name, daemon=True).start()

    def plan_restart(self) -> float:
        """Plan the restart of a part that died; seconds until then."""
        self.process = None
        now = time.monotonic()
        if now - self._born > _LONG_LIFE_S:
            self._pause_s = _FIRST_PAUSE_S
        pause_s = self._pause_s
        self.start_at = now + pause_s
        self._pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        return pause_s

    def terminate(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def _copy(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            self._log.info("%s", line.decode("utf-8", "replace").rstrip("\n"))


class Supervisor:
    """Starts programs in order, each when the one before it is ready; restarts those that die; stops them in order."""

    def __init__(self, chosen: list[Program], data_dir: Path, say: Callable[[str], None]):
        self._say = say
        self._logs = data_dir / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(data_dir)
        self._parts = [_Part(program, self._logs) for program in chosen]
        self._asked = threading.Semaphore(0)

    def run(self) -> None:
        """Supervise until the first signal; a second one is passed on, and ends running jobs at once.

        Raises: SettingError, if a part does not become ready.
        """
        kernel.hide_from_siblings()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._asked.release())
        try:
            if self._start():
                web = next(part.program for part in self._parts if part.program.name == "web")
                self._say(
                    f"weaver-like answers at http://{web.host}:{web.port}; logs are in {self._logs}; "
                    "Ctrl-C stops everything"
                )
                while not self._asked.acquire(timeout=0.2):
                    self._watch()
        finally:
            self._stop()
            os.close(self._lock)

    def _start(self) -> bool:
        """Start all parts; False if a signal came first."""
        for part in self._parts:
            part.start()
            end = time.monotonic() + _READY_S
            while not part.ready:
                if self._asked.acquire(timeout=0.1):
                    return False
                if not part.alive or time.monotonic() > end:
                    raise SettingError(
                        f"{part.program.name} did not start; {self._logs / part.program.name}.log says why."
                    )
            where = f" on {part.program.host}:{part.program.port}" if part.program.port else ""
            self._say(f"{part.program.name} is up{where}")
        return True

    def _watch(self) -> None:
        """Restart the parts that died and have waited long enough."""
        for part in self._parts:
            if part.process is not None and not part.alive:
                code = part.process.returncode
                how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                self._say(f"{part.program.name} ended ({how}); restarting in {part.plan_restart():g} s")
            elif part.process is None and time.monotonic() >= part.start_at:
                part.start()

    def _stop(self) -> None:
        for kind in _STOP_ORDER:
            self._end([part for part in self._parts if part.program.name.partition("-")[0] == kind and part.alive])

    def _end(self, parts: list[_Part]) -> None:
        """Stop parts at the same time; returns when they have ended."""
        for part in parts:
            self._say(f"stopping {part.program.name}")
            part.terminate()
        began = time.monotonic()
        while remaining := [part for part in parts if part.alive]:
            again = self._asked.acquire(timeout=0.1)
            for part in remaining:
                if part.program.stop_s is not None and time.monotonic() - began > part.program.stop_s:
                    part.kill()
                elif again:
                    part.terminate()


def _answers_200(host: str, port: int, path: str) -> bool:
    """Raises: OSError, http.client.HTTPException."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.request("GET", path, headers={"Connection": "close"})
    return connection.getresponse().status == 200


def _lock(data_dir: Path) -> int:
    """A lock on the data folder, which ends with the process that holds it.

    Raises: SettingError, if another supervisor is using this folder.
    """
    descriptor = os.open(data_dir / "deploy-local.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        number = os.read(descriptor, 20).decode() or "?"
        os.close(descriptor)
        raise SettingError(f"deploy-local is already running in {data_dir} (process {number}).") from None
    os.truncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor
