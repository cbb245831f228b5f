"""`/jobs/{id}/events`: status, progress and log lines as they happen."""

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.client import Served
from tests.support.plugin_makers import source
from tests.support.waiting import wait_until


class Listener:
    """A client of server-sent events. `read` yields (kind, document) until the server ends the stream."""

    def __init__(self, served: Served, job_id: str):
        parts = urlsplit(served.url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.socket.sendall(
            f"GET /jobs/{job_id}/events HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while line := self.file.readline().strip().decode():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    def lines(self) -> Iterator[str]:
        while line := self.file.readline():
            yield line.decode().rstrip("\n")

    def read(self) -> Iterator[tuple[str, dict]]:
        kind = ""
        for line in self.lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))
            else:
                assert line == "" or line.startswith((":", "id: ")), line

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("speaks")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "speaks.py").write_text(source("speaks"))
    started = Served(folder).start()
    yield started
    started.stop(signal.SIGKILL)


@pytest.fixture
def served(served_once: Served) -> Iterator[Served]:
    """A server whose workers are idle; what a test leaves running is dismissed."""
    yield served_once
    for job in served_once.get("/jobs?status=accepted,running&limit=100")[1]["jobs"]:
        served_once.get(f"/jobs/{job['jobID']}", "DELETE")


@pytest.fixture
def listen() -> Iterator[Callable[[Served, str], Listener]]:
    made: list[Listener] = []

    def make(served: Served, job_id: str) -> Listener:
        made.append(Listener(served, job_id))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


def ended(served: Served, job_id: str) -> bool:
    return served.get(f"/jobs/{job_id}")[1]["status"] in ("successful", "failed", "dismissed")


def log_lines(events: list[tuple[str, dict]]) -> list[str]:
    return [document["message"] for kind, document in events if kind == "log"]


def test_a_listener_hears_everything_from_queue_to_end(served: Served, listen: Callable, tmp_path: Path) -> None:
    """Both workers are busy until it hears that its job waits."""
    busy = [served.submit("speaks", {"wait_for": str(tmp_path / "go")}) for _ in range(2)]
    job_id = served.submit("speaks", {"lines": 10, "pause": 0.05})
    listener = listen(served, job_id)
    assert listener.status == 200
    assert listener.headers["content-type"].startswith("text/event-stream")
    stream = listener.read()
    first = next(stream)
    (tmp_path / "go").touch()
    events = [first, *stream]
    statuses = [document["status"] for kind, document in events if kind == "status"]
    assert list(dict.fromkeys(statuses)) == ["accepted", "running", "successful"]
    assert events[-1][0] == "status"
    assert events[-1][1]["jobID"] == job_id
    progress = [document for kind, document in events if kind == "progress"]
    assert [document["progress"] for document in progress] == sorted(document["progress"] for document in progress)
    assert progress[-1] == {"progress": 90, "message": "at 9"}
    assert [line for line in log_lines(events) if line.startswith("line")] == [f"line {number}" for number in range(10)]
    wait_until(lambda: all(ended(served, job) for job in busy), what="the end of those before it")


def test_lines_come_while_the_job_runs(served: Served, listen: Callable, tmp_path: Path) -> None:
    job_id = served.submit("speaks", {"lines": 1, "wait_for": str(tmp_path / "go")})
    stream = listen(served, job_id).read()
    for kind, document in stream:
        if kind == "log" and document["message"] == "line 0":
            break
    assert not ended(served, job_id)
    (tmp_path / "go").touch()
    assert list(stream)[-1][1]["status"] == "successful"


def test_whenever_a_listener_comes_it_hears_every_line_once_and_in_order(served: Served, listen: Callable) -> None:
    """Lines that were said, but not yet kept, when it came; equal lines of one moment."""
    job_id = served.submit("speaks", {"lines": 150, "pause": 0.01})

    def hear(delay: float) -> list[str]:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began >= delay, 5, "its time")
        return log_lines(list(listen(served, job_id).read()))

    with ThreadPoolExecutor(6) as pool:
        heard = list(pool.map(hear, (0, 0.31, 0.62, 0.93, 1.24, 1.55)))
    kept = [entry["message"] for entry in served.get(f"/jobs/{job_id}/logs?limit=1000")[1]["logs"]]
    assert len(kept) >= 300
    for lines in heard:
        assert lines == kept


def test_of_a_finished_job_the_whole_log_is_told_at_once(served: Served, listen: Callable) -> None:
    job_id = served.submit("speaks", {"lines": 1300})
    wait_until(lambda: ended(served, job_id), 20, "the end")
    began = time.monotonic()
    events = list(listen(served, job_id).read())
    assert time.monotonic() - began < 3
    assert len([line for line in log_lines(events) if line.startswith("line")]) == 1300
    assert events[-1][1]["status"] == "successful"


@pytest.mark.parametrize("outcome", ["failed", "dismissed", "removed"])
def test_the_stream_ends_with_the_job(served: Served, listen: Callable, outcome: str) -> None:
    job_id = served.submit("fail") if outcome == "failed" else served.submit("sleep", {"delay": 20})
    listener = listen(served, job_id)
    if outcome != "failed":
        served.get(f"/jobs/{job_id}", "DELETE")
    if outcome == "removed":
        served.get(f"/jobs/{job_id}", "DELETE")
    events = list(listener.read())
    assert events[-1][0] == "removed" or events[-1][1]["status"] == ("failed" if outcome == "failed" else "dismissed")
    if outcome == "removed":
        assert listen(served, job_id).status == 404


def test_an_unknown_job_has_no_events(served: Served, listen: Callable) -> None:
    assert listen(served, "00000000-0000-0000-0000-000000000000").status == 404


def test_a_listener_that_goes_frees_its_place(serve: Callable, listen: Callable) -> None:
    """Four threads: one place. A job that says something makes the server notice at once."""
    served = serve("server.threads=4")
    job_id = served.submit("sleep", {"delay": 25})
    first = listen(served, job_id)
    assert first.status == 200
    next(first.read())
    refused = listen(served, job_id)
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert served.get("/jobs")[0] == 200
    first.close()
    wait_until(lambda: listen(served, job_id).status == 200, 8, "a free place")


def test_a_silent_stream_has_a_heartbeat(served: Served, listen: Callable, tmp_path: Path) -> None:
    """Without it nobody would notice that a listener has gone."""
    job_id = served.submit("speaks", {"wait_for": str(tmp_path / "never")})
    wait_until(lambda: served.get(f"/jobs/{job_id}")[1]["status"] == "running", 10, "the start")
    began = time.monotonic()
    assert any(line.startswith(":") for line in listen(served, job_id).lines())
    assert time.monotonic() - began < 20
