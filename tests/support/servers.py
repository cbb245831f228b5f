"""Database servers and brokers that a test may kill and start again: how each is found, started and asked."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from tests.support.waiting import wait_until

START_LIMIT_S = 90
#: Below the ports that the kernel gives to clients: while a killed server is away, no client of anybody gets its port.
PORTS = range(15000, 32000)


def listens(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    return next(port for port in random.sample(PORTS, 100) if not listens(port))


def _runs(process: psutil.Process) -> bool:
    """Whether it runs; one that nobody has reaped yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class PrivateServer(ABC):
    """A server of our own on a free port: `start`, then `kill` or `stop` and `start` again on the same data and port.

    `close` at the end.

    It ends with the process that started it, however that one ends: the kernel kills it then.
    """

    variable: str  #: of the environment; the URL of a server to be used instead
    package: str  #: of Debian; brings the programs
    standard: tuple[str, ...]  #: URLs with the usual test accounts on the usual port
    programs: tuple[str, ...]
    folders: tuple[str, ...] = ()  #: where the programs are, beside PATH
    stop_signal = signal.SIGTERM
    unsynced = False  #: it waits for no disk, as a server of the machine does

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="weaver_like_"))
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @classmethod
    def program(cls, name: str) -> str | None:
        return shutil.which(name, path=os.pathsep.join([*cls.folders, os.environ.get("PATH", os.defpath), "/usr/sbin"]))

    @classmethod
    def missing(cls) -> str:
        """Why no private server can be started; empty if one can."""
        lacking = [name for name in (*cls.programs, "setpriv") if cls.program(name) is None]
        return f"no {', '.join(lacking)}: install the Debian package {cls.package}" if lacking else ""

    @property
    @abstractmethod
    def url(self) -> str:
        """Of an empty database (a virtual host); the same after each start."""

    @staticmethod
    @abstractmethod
    def answers(url: str) -> bool:
        """Whether a server is there that lets us in."""

    @abstractmethod
    def command(self) -> list[str]:
        """What starts the server, in the foreground."""

    def prepare(self) -> None:  # noqa: B027, most need nothing
        """Make what the first start needs, in `folder`."""

    def start(self) -> Self:
        """Start it and wait until it answers. Raises: AssertionError with the end of its log."""
        if self.process is None:
            self.prepare()
        self.process = self.run(self.command())
        wait_until(
            lambda: self.process.poll() is not None or (listens(self.port) and self.answers(self.url)),
            START_LIMIT_S,
            self.programs[0],
        )
        assert self.process.poll() is None, (
            f"{self.programs[0]} ended: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}"
        )
        return self

    def kill(self) -> None:
        """End it as a crash does: SIGKILL, to the server and to all that it started."""
        started = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        for child in started:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait()
        wait_until(lambda: not any(map(_runs, started)), what="the end of the killed server's children")

    def stop(self, limit_s: float = 60) -> None:
        """End it as an operator does, and wait for its end."""
        self.process.send_signal(self.stop_signal)
        self.process.wait(limit_s)

    def close(self) -> None:
        """Kill it, if it runs, and remove its data."""
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def user(self) -> pwd.struct_passwd | None:
        """Whom its programs run as; none: as we do."""
        return None

    def run(self, command: list[str], **environment: str) -> subprocess.Popen:
        """Start a program in the folder; its output goes to the file "log" there."""
        change = (
            ["--reuid", str(self.user.pw_uid), "--regid", str(self.user.pw_gid), "--clear-groups"] if self.user else []
        )
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *change, *command],
                cwd=self.folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
