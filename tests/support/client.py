"""What clients do: submit a job and wait for its end, in this process or over HTTP to a served instance."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support import systems
from tests.support.waiting import wait_until


def submit(app: TestApp, process: str, inputs: dict | None = None, **body: object) -> str:
    """Submit a job asynchronously; its id."""
    answer = app.post_json(
        f"/processes/{process}/execution",
        {"inputs": inputs or {}, **body},
        headers={"Prefer": "respond-async"},
        status=201,
    )
    return answer.json["jobID"]


def finished(app: TestApp, job_id: str, limit_s: float = 20) -> dict:
    """Wait until a job has ended; its status document."""

    def ended() -> dict | None:
        status = app.get(f"/jobs/{job_id}").json
        return status if status["status"] in ("successful", "failed", "dismissed") else None

    return wait_until(ended, limit_s, f"the end of job {job_id}")


class Served:
    """A server as an operator starts it: `weaver-like serve` in a process of its own."""

    def __init__(self, folder: Path, *overrides: str):
        self.folder = folder
        self._overrides = [
            "processes.testing=true",
            "engine.workers=2",
            "security.allowed_hosts=127.0.0.1",
            *systems.current[0].settings(folder),
            *overrides,
        ]
        self.program = Path(sys.executable).parent / "weaver-like"
        self.arguments: list[str] = []
        self.place: Path | None = None
        self.workers: systems.Workers | None = None
        self.process: subprocess.Popen | None = None
        self.url = ""

    def start(self) -> "Served":
        settings = [part for override in self._overrides for part in ("--set", override)]
        command = [
            str(self.program),
            "serve",
            "--port",
            "0",
            "--data",
            str(self.folder),
            *settings,
            *self.arguments,
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=dict(os.environ), cwd=self.place, start_new_session=True
        )
        line = self.process.stdout.readline()
        assert " answers at " in line, line
        self.url = line.rpartition(" ")[2].strip()
        if "engine.kind=celery" in self._overrides:
            self.workers = systems.Workers(self.folder, self._overrides)
        return self

    def get(
        self, path: str, method: str = "GET", body: object = None, headers: dict | None = None
    ) -> tuple[int, object, dict]:
        """Status, JSON (or bytes) and headers of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers={"Content-Type": "application/json"} | (headers or {})
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text, status, given = answer.read(), answer.status, dict(answer.headers)
        except urllib.error.HTTPError as error:
            text, status, given = error.read(), error.code, dict(error.headers)
        return status, json.loads(text) if "json" in given.get("Content-Type", "") and text else text, given

    def submit(self, process: str, inputs: dict | None = None) -> str:
        status, document, _ = self.get(
            f"/processes/{process}/execution", "POST", {"inputs": inputs or {}}, {"Prefer": "respond-async"}
        )
        assert status == 201, document
        return document["jobID"]

    def stop(self, number: int = signal.SIGTERM, limit_s: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(limit_s)
        if self.workers is not None:
            self.workers.stop()
        self.process.stdout.close()
        return code


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers: `serve("jobs.max_attempts=1")`; the same folder every time unless one is given."""
    started: list[Served] = []

    def make(*overrides: str, folder: Path | None = None) -> Served:
        started.append(Served(folder or tmp_path / "data", *overrides).start())
        return started[-1]

    yield make
    for served in started:
        if served.process.poll() is None:
            served.stop(signal.SIGKILL)


def status_of(served: Served, job_id: str) -> dict:
    return served.get(f"/jobs/{job_id}")[1]


def end_of(served: Served, job_id: str, limit_s: float = 20) -> dict:
    """Wait until a job has ended; its status document."""

    def ended() -> dict | None:
        found = status_of(served, job_id)
        return found if found["status"] in ("successful", "failed", "dismissed") else None

    return wait_until(ended, limit_s, f"the end of {job_id}")


def all_ended(served: Served, limit_s: float = 60) -> dict[str, dict]:
    """Wait until every job has ended; all of them by id."""

    def ended() -> dict[str, dict] | None:
        found = all_jobs(served)
        return None if any(job["status"] in ("accepted", "running") for job in found.values()) else found

    return wait_until(ended, limit_s, "the end of all jobs")


def log_of(served: Served, job_id: str) -> list[str]:
    return [entry["message"] for entry in served.get(f"/jobs/{job_id}/logs?limit=10000")[1]["logs"]]


def all_jobs(served: Served) -> dict[str, dict]:
    return {job["jobID"]: job for job in served.get("/jobs?limit=10000")[1]["jobs"]}


def successful(app: TestApp, process: str, inputs: dict | None = None) -> str:
    job_id = submit(app, process, inputs)
    status = finished(app, job_id)
    assert status["status"] == "successful", status["message"]
    return job_id
