"""A cheap client, and the processes that a benchmark starts: all are ended by their own handle."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.client import Served

_JSON = {"Content-Type": "application/json"}
ECHO = json.dumps({"inputs": {"message": "x"}}).encode()
ECHO_PATH = "/processes/echo/execution"
ASYNC = {"Prefer": "respond-async"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. against: another checkout to compare with, if any."""

    quick: bool
    against: Path | None = None

    def times(self, count: int) -> int:
        """`count` repetitions, or a fifth of them in a quick run."""
        return max(2, count // 5) if self.quick else count


class Client:
    """One keep-alive connection."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict | None = None
    ) -> tuple[int, bytes]:
        self._connection.request(method, path, body, _JSON | (headers or {}) if body is not None else headers or {})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def get(self, path: str) -> bytes:
        """The body of a 200 answer."""
        status, body = self.request("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path} answered {status}: {body[:300]!r}")
        return body

    def read_away(self, path: str) -> int:
        """Fetch a body in chunks without keeping it; its size in bytes."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        size = 0
        while chunk := answer.read(1 << 20):
            size += len(chunk)
        return size

    def submit(self, process: str, inputs: dict) -> str:
        """Submit a job; its id."""
        status, body = self.request(
            "POST", f"/processes/{process}/execution", json.dumps({"inputs": inputs}).encode(), ASYNC
        )
        if status != 201:
            raise RuntimeError(f"the submission to {process} answered {status}: {body[:300]!r}")
        return json.loads(body)["jobID"]

    def wait(self, job_id: str, pause_s: float = 0.001, limit_s: float = 180) -> dict:
        """The status document of a job that has become successful. Raises: RuntimeError."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            status = json.loads(self.get(f"/jobs/{job_id}"))
            if status["status"] == "successful":
                return status
            if status["status"] in ("failed", "dismissed"):
                break
            time.sleep(pause_s)
        raise RuntimeError(f"job {job_id} is {status['status']}: {status.get('message')}")

    def wait_until_idle(self, limit_s: float = 60) -> None:
        """Wait until no job waits or runs. Raises: RuntimeError."""
        end = time.monotonic() + limit_s
        while json.loads(self.get("/jobs?limit=1&status=accepted,running"))["jobs"]:
            if time.monotonic() > end:
                raise RuntimeError(f"after {limit_s:g} s there are still jobs that wait or run")
            time.sleep(0.01)

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        yield Path(name)


@contextlib.contextmanager
def serving(data: Path, *overrides: str, program: Path | None = None) -> Iterator[Served]:
    """The product as an operator starts it, on a data folder.

    program: `weaver-like` of another installation, which works in its own folder: Python would find ours in this one.
    """
    served = Served(data, *overrides)
    if program is not None:
        served.program, served.place = program, program.parents[2]
    served.start()
    try:
        yield served
    finally:
        if served.process.poll() is None:
            try:
                served.stop()
            except subprocess.TimeoutExpired:
                served.stop(signal.SIGKILL)


@contextlib.contextmanager
def helper(module: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """A Python process of a module of this package, spoken to by lines; it ends with its standard input."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=dict(os.environ),
    )
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
