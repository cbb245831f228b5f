"""The engine seen from outside: order, scheduling, dismissal, limits, statistics, large files."""

import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from webtest import TestApp

from tests.support.client import Served, finished, submit
from tests.support.plugin_makers import source
from tests.support.waiting import wait_until
from weaver_like.domain.execution import Execution
from weaver_like.domain.ids import new_job_id
from weaver_like.domain.job import Job, NewJob
from weaver_like.domain.status import Status
from weaver_like.engines.base import ClosePolicy
from weaver_like.engines.embedded import EmbeddedEngine
from weaver_like.warm import NURSERY


@pytest.fixture
def planned(make_app: Callable, tmp_path: Path) -> Callable[..., TestApp]:
    """An application with the processes above: `planned("section.name=value")`."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "engine.py").write_text(source("engine"))
    return lambda *overrides: make_app(f"plugins.folders={tmp_path / 'plugins'}", *overrides)


def occupy(app: TestApp, delay: float = 1) -> str:
    """Keep the only worker busy; the id of the job that does."""
    job_id = submit(app, "sleep", {"delay": delay})
    wait_until(lambda: app.get(f"/jobs/{job_id}").json["status"] == "running", 10, "the start of the job")
    return job_id


def notes(path: Path, count: int) -> list[str]:
    return wait_until(
        lambda: path.exists() and len(path.read_text().split()) == count and path.read_text().split(),
        20,
        f"{count} notes",
    )


def test_urgent_jobs_come_first_and_waiting_makes_urgent(planned: Callable, tmp_path: Path) -> None:
    """A level is worth 0.4 s here: the patient job waits longer than that before the urgent one comes."""
    app, file = planned("engine.workers=1", "engine.ageing_s=0.4"), tmp_path / "notes"
    occupy(app, 1.5)
    submit(app, "noted", {"name": "patient", "file": str(file)}, priority=2)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 0.9, 2, "the time that two levels are worth")
    for name, priority in (("normal1", 1), ("low", 2), ("urgent1", 0), ("normal2", 1), ("urgent2", 0)):
        submit(app, "noted", {"name": name, "file": str(file)}, priority=priority)
    assert notes(file, 6) == ["patient", "urgent1", "urgent2", "normal1", "normal2", "low"]


@pytest.mark.parametrize("priority", [-1, 3, 128, 1.5, "0"])
def test_a_priority_that_is_no_level_is_refused(app: TestApp, priority: object) -> None:
    app.post_json("/processes/echo/execution", {"inputs": {"message": "x"}, "priority": priority}, status=400)


def test_a_job_may_schedule_jobs_and_hears_what_is_wrong_with_them(planned: Callable, tmp_path: Path) -> None:
    app, file = planned(), tmp_path / "notes"
    steps = [
        ["noted", {"name": "a", "file": str(file)}],
        ["echo", {}],
        ["nobody", {}],
        ["echo", {"message": 5}],
        ["echo", {"message": "\ud800"}],
    ]
    job_id = submit(app, "plans", {"steps": steps[:4]}, response="document")
    assert finished(app, job_id)["status"] == "successful"
    scheduled, *refused = app.get(f"/jobs/{job_id}/results?f=json").json["output"]
    assert app.get(f"/jobs/{scheduled}").json["parentID"] == job_id
    assert finished(app, scheduled)["status"] == "successful"
    assert [text.partition(":")[0] for text in refused] == ["refused"] * 3
    assert "nobody" in refused[1]
    assert notes(file, 1) == ["a"]


def test_half_a_character_does_not_stop_the_queue(planned: Callable) -> None:
    app = planned()
    (Path(app.service.settings.plugin_folders[0]) / "half.py").write_text(
        "from weaver_like.authoring import Context, process\n@process(id='half')\ndef half(context: Context) -> str:\n"
        "    context.log('\\ud800')\n    context.progress(50, '\\udcff')\n"
        "    context.schedule('echo', {'message': '\\ud800'})\n    return 'a\\ud800b'\n"
    )
    wait_until(lambda: app.get("/processes/half", expect_errors=True).status_int == 200, 10, "the plugin")
    job_id = submit(app, "half")
    assert finished(app, job_id)["status"] == "successful"
    assert app.get(f"/jobs/{job_id}/results").text
    assert app.get(f"/jobs/{job_id}/logs").json["logs"]
    for job in app.get("/jobs").json["jobs"]:
        assert finished(app, job["jobID"])["status"] == "successful"
    assert app.post_json("/processes/greet/execution", {"inputs": {"name": "x"}}).text == "Hello x"


def test_a_job_that_nobody_told_the_engine_of_runs(make_app: Callable) -> None:
    """It came by a repair of the store, or its server died in between: the
    housekeeper sees that it waits while workers sleep."""
    app = make_app("engine.workers=1")
    finished(app, submit(app, "greet", {"name": "x"}))
    runtime = app.service.runtime
    now = datetime.now(UTC)
    job = Job(new_job_id(), "wps-echo", Status.ACCEPTED, now, now)
    runtime.store.jobs.add(NewJob(job, Execution()), 99)
    finished(app, job.id, 60)


def test_a_chain_runs_in_order_and_stops_at_a_failure(planned: Callable, tmp_path: Path) -> None:
    app, file = planned(), tmp_path / "notes"

    def note(name: str) -> list:
        return ["noted", {"name": name, "file": str(file)}]

    planner = submit(
        app,
        "plans",
        {
            "steps": [note("1"), ["sleep", {"delay": 0.3}], note("2"), ["fail", {}], note("3")],
            "chain": True,
            "priority": 0,
        },
    )
    assert finished(app, planner)["status"] == "successful"
    wait_until(lambda: app.get("/jobs?status=failed").json["jobs"], 20, "the failure")
    chained = [job for job in reversed(app.get("/jobs?limit=100").json["jobs"]) if job["jobID"] != planner]
    assert [(job["processID"], job["status"]) for job in chained] == [
        ("noted", "successful"),
        ("sleep", "successful"),
        ("noted", "successful"),
        ("fail", "failed"),
    ]
    assert [job["parentID"] for job in chained] == [planner, *(job["jobID"] for job in chained[:-1])]
    assert {job["priority"] for job in chained} == {0}
    assert all(before["finished"] <= after["created"] for before, after in pairwise(chained))
    assert file.read_text().split() == ["1", "2"]
    refused = submit(app, "plans", {"steps": [note("4"), ["nobody", {}]], "chain": True})
    assert finished(app, refused)["status"] == "failed"
    assert "ValueError" in app.get(f"/jobs/{refused}").json["message"]
    assert "4" not in file.read_text()


def test_a_queued_job_that_was_dismissed_never_runs(planned: Callable, tmp_path: Path) -> None:
    app, file = planned("engine.workers=1"), tmp_path / "notes"
    busy = occupy(app, 0.5)
    dismissed = submit(app, "noted", {"name": "never", "file": str(file)})
    assert app.delete(f"/jobs/{dismissed}").json["status"] == "dismissed"
    submit(app, "noted", {"name": "after", "file": str(file)})
    assert notes(file, 1) == ["after"]
    assert finished(app, busy)["status"] == "successful"
    status = app.get(f"/jobs/{dismissed}").json
    assert status["status"] == "dismissed"
    assert "started" not in status


def test_a_running_job_that_was_dismissed_stays_so_and_leaves_no_file(planned: Callable) -> None:
    """It returns its output at the very moment of the dismissal."""
    app = planned()
    for _ in range(5):
        job_id = submit(app, "writes-first")
        wait_until(lambda job_id=job_id: "written" in app.get(f"/jobs/{job_id}/logs").text, 10, "the file")
        assert app.delete(f"/jobs/{job_id}").json["status"] == "dismissed"
        wait_until(lambda: not list(app.service.settings.work_dir.iterdir()), 10, "the end of the job")
        assert app.get(f"/jobs/{job_id}").json["status"] == "dismissed"
        app.get(f"/jobs/{job_id}/results", status=404)
        assert not (app.service.settings.outputs_dir / job_id).exists()


def test_dismissal_and_success_race_and_one_of_them_holds(app: TestApp) -> None:
    """A dismissal that found a finished job removed it."""
    for number in range(25):
        job_id = submit(app, "echo", {"message": "x"})
        began = time.monotonic()
        wait_until(lambda began=began, number=number: time.monotonic() - began > number * 0.001, 2, "a moment")
        app.delete(f"/jobs/{job_id}")
        answer = app.get(f"/jobs/{job_id}", expect_errors=True)
        assert answer.status_int == 404 or answer.json["status"] == "dismissed"


def test_what_takes_longer_than_the_limit_goes_on_as_asynchronous(planned: Callable) -> None:
    app = planned("jobs.sync_limit_s=1.5")
    began = time.monotonic()
    answer = app.post_json("/processes/sleep/execution", {"inputs": {"delay": 8}}, status=201)
    assert 1.4 < time.monotonic() - began < 7
    assert answer.headers["Location"].endswith(answer.json["jobID"])
    assert finished(app, answer.json["jobID"])["status"] == "successful"
    assert app.post_json("/processes/sleep/execution", {"inputs": {"delay": 0.05}}, status=200)


def test_the_first_requests_of_a_server_may_come_together(serve: Callable) -> None:
    served = serve()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: served.get("/processes/greet/execution", "POST", {"inputs": {"name": "x"}})[:2], range(8)
            )
        )
    assert answers == [(200, b"Hello x")] * 8


def test_more_synchronous_requests_than_places_do_not_block_the_server(serve: Callable) -> None:
    """Four threads: two places to wait in; the third request is answered at once, as asynchronous."""
    served = serve("server.threads=4")
    body = {"inputs": {"delay": 4.5}}
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(served.get, "/processes/sleep/execution", "POST", body) for _ in range(2)]
        wait_until(lambda: len(served.get("/jobs")[1]["jobs"]) == 2, 10, "two waiting requests")
        began = time.monotonic()
        status, document, _ = served.get("/processes/sleep/execution", "POST", body)
        assert (status, document["status"]) == (201, "accepted")
        assert time.monotonic() - began < 3
        assert [job.result()[:2] for job in waiting] == [(200, b"slept 4.5 s")] * 2


def test_a_full_queue_is_503_with_retry_after(planned: Callable) -> None:
    app = planned("limits.queue=2", "engine.workers=1")
    occupy(app)
    kept = [submit(app, "greet", {"name": "x"}) for _ in range(2)]
    for prefer in ("respond-async", "wait=5"):
        answer = app.post_json(
            "/processes/greet/execution", {"inputs": {"name": "x"}}, headers={"Prefer": prefer}, status=503
        )
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.content_type == "application/problem+json"
    assert len(app.get("/jobs?limit=100").json["jobs"]) == 3
    assert [finished(app, job_id)["status"] for job_id in kept] == ["successful"] * 2
    submit(app, "greet", {"name": "x"})


def test_statistics_are_plausible(planned: Callable, site: object) -> None:
    app = planned("security.allowed_hosts=127.0.0.1")
    site.pages["/in.txt"] = (200, {"Content-Type": "text/plain"}, b"x" * 4321)
    burnt = submit(app, "burns", {"seconds": 0.6})
    held = submit(app, "allocates", {"megabytes": 100, "file": {"href": f"{site.url}/in.txt"}})
    for job_id in (burnt, held):
        assert finished(app, job_id)["status"] == "successful", app.get(f"/jobs/{job_id}").json["message"]
    statistics = app.get(f"/jobs/{burnt}/statistics").json
    assert 1.2 <= statistics["cpuSeconds"] < 2
    assert statistics["wallSeconds"] >= 1.1
    assert 0 <= statistics["queuedSeconds"] < 5
    statistics = app.get(f"/jobs/{held}/statistics").json
    assert 100 * 2**20 <= statistics["peakMemoryBytes"] < 220 * 2**20
    assert statistics["bytesIn"]["file"] == 4321
    assert statistics["bytesOut"] == {"output": 12345}
    small = submit(app, "greet", {"name": "x"})
    finished(app, small)
    assert app.get(f"/jobs/{small}/statistics").json["peakMemoryBytes"] < 100 * 2**20


class _Zeros(BaseHTTPRequestHandler):
    """/N: N bytes."""

    def do_GET(self) -> None:
        size, chunk = int(self.path[1:]), bytes(1 << 20)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for _ in range(size // len(chunk)):
            self.wfile.write(chunk)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def zeros() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Zeros)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def memory_of(served: Served) -> dict[int, int]:
    """Own memory of the server and of all below it; pages shared with a parent count where they were made."""
    found = {}
    leader = psutil.Process(served.process.pid)
    for process in [leader, *leader.children(recursive=True)]:
        try:
            found[process.pid] = process.memory_info().rss
        except psutil.Error:
            continue
    return found


def test_a_gigabyte_in_and_a_gigabyte_out_take_no_memory(serve: Callable, zeros: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "plugins").mkdir(parents=True)
    (tmp_path / "data" / "plugins" / "engine.py").write_text(source("engine"))
    served, gigabyte = serve(), 2**30
    for process, inputs in (("counts", {"file": {"href": f"{zeros}/{2**20}"}}), ("sparse", {"megabytes": 1})):
        job_id = served.submit(process, inputs)
        wait_until(
            lambda job_id=job_id: served.get(f"/jobs/{job_id}")[1]["status"] == "successful", 20, "the first small job"
        )
        assert served.get(f"/jobs/{job_id}/results")[0] == 200
    before = memory_of(served)
    peaks = dict(before)
    job_ids = [
        served.submit("counts", {"file": {"href": f"{zeros}/{gigabyte}"}}),
        served.submit("sparse", {"megabytes": 1024}),
    ]

    def ended() -> bool:
        for pid, size in memory_of(served).items():
            peaks[pid] = max(peaks.get(pid, 0), size)
        return all(served.get(f"/jobs/{job_id}")[1]["status"] == "successful" for job_id in job_ids)

    wait_until(ended, 30, "both jobs")
    assert served.get(f"/jobs/{job_ids[0]}/results")[1] in (gigabyte, str(gigabyte).encode())
    assert served.get(f"/jobs/{job_ids[0]}/statistics")[1]["bytesInTotal"] == gigabyte
    assert served.get(f"/jobs/{job_ids[1]}/statistics")[1]["bytesOutTotal"] == gigabyte
    with urllib.request.urlopen(f"{served.url}/jobs/{job_ids[1]}/results", timeout=30) as answer:
        received = 0
        while chunk := answer.read(1 << 22):
            received += len(chunk)
            if received % (1 << 26) < len(chunk):
                ended()
    assert received == gigabyte
    largest = max(before.values())
    grown = {pid: (size - before.get(pid, largest)) // 2**20 for pid, size in peaks.items()}
    assert max(grown.values()) <= 32, grown
    assert served.get(f"/jobs/{job_ids[1]}")[1]["status"] == Status.SUCCESSFUL


def test_stops_that_are_asked_for_at_the_same_moment_release_the_folder_once(tmp_path: Path) -> None:
    """A second signal while the first stop is at its end."""
    for _ in range(100):
        held = os.open(tmp_path, os.O_RDONLY)
        engine = EmbeddedEngine(0, "engine", {}, NURSERY, (), lambda _: None, held)
        engine.start()
        together = threading.Barrier(4)

        def stop(engine: EmbeddedEngine = engine, together: threading.Barrier = together) -> None:
            together.wait(5)
            engine.drain(ClosePolicy.KILL, 0)

        with ThreadPoolExecutor(4) as pool:
            for stopped in [pool.submit(stop) for _ in range(4)]:
                stopped.result(10)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(held)
