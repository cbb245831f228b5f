"""A whole installation as operators start it: a server, and Celery workers where the engine has them.

Each may be killed and started again.
"""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from http.client import HTTPException
from pathlib import Path

from tests.support.children import Seen, family_of, kill
from tests.support.client import Served
from tests.support.servers import free_port
from tests.support.waiting import wait_until

#: The machine may be busy with other things.
LIMIT_S = 120


class Program:
    """A `weaver-like` command in a session of its own. console: the file that holds all that it said."""

    def __init__(self, console: Path, *arguments: str):
        self.console = console
        with console.open("wb") as file:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "weaver-like"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(os.environ),
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.console.read_text("utf-8", "replace")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def family(self) -> list[Seen]:
        """The process and all its descendants, parents first; none once it was waited for."""
        return family_of(self.process.pid) if self.alive else []

    def says(self, *words: str) -> None:
        """Wait until it has said all of that."""

        def said() -> bool:
            assert self.alive or all(word in self.text for word in words), self.text
            return all(word in self.text for word in words)

        wait_until(said, LIMIT_S, f"{words} on the console")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the main process and wait for its end; the exit code."""
        if self.alive:
            self.process.send_signal(number)
        return self.process.wait(LIMIT_S)


class Installation(Served):
    """One data folder and its settings. web: the server.  workers: programs of
    Celery workers, the last one started last."""

    def __init__(self, folder: Path, *overrides: str):
        super().__init__(folder, "engine.lease_s=5", *overrides)
        self.celery = "engine.kind=celery" in overrides
        self.mongodb = any(override.startswith("store.url=mongodb:") for override in overrides)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.web: Program | None = None
        self.workers: list[Program] = []
        self.seen: set[Seen] = set()
        self._started = 0

    def launch(self, verb: str, *more: str) -> Program:
        self._started += 1
        settings = [part for override in self._overrides for part in ("--set", override)]
        return Program(
            self.folder / f"console-{self.url.rpartition(':')[2]}-{self._started}",
            verb,
            "--data",
            str(self.folder),
            *settings,
            *more,
        )

    def serve(self) -> Program:
        """Start the server, at the same address each time."""
        self.web = self.launch("serve", "--port", self.url.rpartition(":")[2])
        return self.web

    def work(self, *options: str) -> Program:
        """Start a Celery worker: `work("--pool", "threads")`."""
        self.workers.append(self.launch("worker", *options))
        return self.workers[-1]

    def up(self) -> "Installation":
        """Start everything, and wait for it."""
        self.serve()
        if self.celery:
            self.work().says("ready.")
        self.web.says(" answers at ")
        self.members()
        return self

    def members(self) -> list[Seen]:
        """Every process of the server and the workers."""
        found = [seen for program in (self.web, *self.workers) if program is not None for seen in program.family()]
        self.seen.update(found)
        return found

    def begin(self, process: str, **inputs: object) -> tuple[str, Seen]:
        """Submit a job and wait until it runs; its id and its child."""
        job_id = self.submit(process, inputs)

        def child() -> Seen | None:
            return next((seen for seen in self.members() if seen.job_id == job_id), None)

        return job_id, wait_until(child, LIMIT_S, "the child")

    def down(self) -> None:
        """End everything; fails if a process is left of all that were ever seen."""
        try:
            self.members()
            for program in (*self.workers, self.web):
                if program is not None and program.alive:
                    program.process.send_signal(signal.SIGTERM)
            for program in (*self.workers, self.web):
                if program is not None:
                    program.process.wait(LIMIT_S)
            wait_until(lambda: not any(seen.alive for seen in self.seen), 10, "the end of all processes")
        finally:
            kill(*self.seen)

    def health(self) -> dict:
        """What the readiness probe says."""
        return self.get("/health/ready")[1]


class Load(threading.Thread):
    """A client that submits jobs, each until it is accepted. refused: how often, by reason.

    count: of jobs; None: until `finish`, and with pauses.
    """

    def __init__(self, installation: Installation, count: int | None = 200):
        super().__init__(name="load", daemon=True)
        self._installation = installation
        self._count = count
        self._finished = threading.Event()
        self.accepted: list[str] = []
        self.refused: Counter[str] = Counter()
        self.start()

    def run(self) -> None:
        while len(self.accepted) != self._count and not self._finished.is_set():
            job_id = self._submit(len(self.accepted))
            if job_id is not None:
                self.accepted.append(job_id)
            if job_id is None or self._count is None:
                self._finished.wait(0.1)

    def _submit(self, number: int) -> str | None:
        process, delay = ("sleep", 0.05) if number % 4 == 0 else ("note", 0.02)
        try:
            status, document, headers = self._installation.get(
                f"/processes/{process}/execution", "POST", {"inputs": {"delay": delay}}, {"Prefer": "respond-async"}
            )
        except (OSError, HTTPException):
            self.refused["no connection"] += 1
            return None
        if status == 201:
            return document["jobID"]
        self.refused[f"{status}{' retry' if 'Retry-After' in headers else ''}"] += 1
        return None

    def wait(self) -> None:
        """Until all are accepted."""
        wait_until(lambda: not self.is_alive(), LIMIT_S, "acceptance of the jobs")

    def finish(self) -> None:
        """Submit no more."""
        self._finished.set()
        self.wait()
