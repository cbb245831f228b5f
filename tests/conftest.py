"""Real services for tests: a served instance, an application for webtest, real children; nothing is replaced."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from webtest import TestApp

from tests import systems
from tests.s3_server import S3Server, running_s3
from tests.waiting import wait_until
from weaver_like import settings as settings_module
from weaver_like.app import Service
from weaver_like.engines.base import ClosePolicy

pytest_plugins = ["tests.services", "tests.systems"]

ROOT = Path(__file__).parents[1]
GEO = ROOT / "docs" / "examples" / "geo"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--system",
        default="sqlite-embedded",
        choices=list(systems.SYSTEMS),
        help="store and engine of every service that a test starts",
    )
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "heavy: the same as another test on one more system; not selected by `make test`"
    )
    config.addinivalue_line(
        "markers", "only(*systems): about a part that only these systems have; not selected on others"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.getoption("--system")
    other = [item for item in items if any(chosen not in mark.args for mark in item.iter_markers("only"))]
    if other:
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in other]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = (yield).get_result()
    if report.skipped and item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"


def make_service(folder: Path, *overrides: str) -> Service:
    """A started service in this process, with its own folder and two real workers."""
    given = [
        f"files.data_dir={folder}",
        "processes.testing=true",
        "engine.workers=2",
        "log.level=WARNING",
        *systems.current[0].settings(folder),
        *overrides,
    ]
    service = systems.TestedService(settings_module.load(overrides=given), given)
    service.start()
    return service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests of a session that do not ask for settings of their own; loopback may be reached."""
    started = make_service(tmp_path_factory.mktemp("service"), "security.allowed_hosts=127.0.0.1")
    yield started
    started.stop(ClosePolicy.KILL)


@pytest.fixture(scope="session")
def app(service: Service) -> TestApp:
    """Requests to the WSGI application, as webtest sends them."""
    return TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[..., TestApp]]:
    """Makes an application with settings of its own: `make_app("limits.queue=1")`; `.service` is its service."""
    started: list[Service] = []

    def make(*overrides: str, folder: Path | None = None) -> TestApp:
        made = make_service(folder or tmp_path / f"data{len(started)}", *overrides)
        started.append(made)
        application = TestApp(made.wsgi, extra_environ={"HTTP_HOST": "localhost"})
        application.service = made
        return application

    yield make
    for made in started:
        made.stop(ClosePolicy.KILL)


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
        self.arguments: list[str] = []
        self.workers: systems.Workers | None = None
        self.process: subprocess.Popen | None = None
        self.url = ""

    def start(self) -> "Served":
        settings = [part for override in self._overrides for part in ("--set", override)]
        command = [
            str(Path(sys.executable).parent / "weaver-like"),
            "serve",
            "--port",
            "0",
            "--data",
            str(self.folder),
            *settings,
            *self.arguments,
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=dict(os.environ), start_new_session=True
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB; the test is skipped where this user may not mount one."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 service on 127.0.0.1, one for all tests; each makes a bucket of its own."""
    with running_s3() as server:
        yield server


class _Site(BaseHTTPRequestHandler):
    """Serves `server.pages` (path -> (status, headers, body)), and keeps every POST in `server.received`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, headers, body = self.server.pages.get(self.path, (404, {}, b"nothing here"))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answers = self.server.answers
        status = answers.pop(0) if answers else 200
        self.server.received.append((self.path, dict(self.headers), body, status))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    """A real web server on 127.0.0.1: `pages` to serve, `received` posts, `answers` to give to the next posts; `url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.pages, server.received, server.answers = {}, [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
