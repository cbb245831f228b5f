"""Runs in a foreign system: each is started once and followed by one process, whoever is killed meanwhile."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.recovery.conftest import on
from tests.recovery.installation import LIMIT_S, Installation
from tests.support.children import Seen, gone, kill
from tests.support.client import all_ended, end_of, log_of, status_of
from tests.support.foreign import runner as foreign_runner
from tests.support.foreign.system import ForeignSystem, running
from tests.support.waiting import wait_until


@pytest.fixture
def foreign(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForeignSystem]:
    """The foreign system, known to whatever is installed here."""
    (data / "foreign").mkdir()
    (data / "foreign" / "offer.py").write_text(foreign_runner.PLUGIN)
    with running() as system:
        monkeypatch.setenv("PYTHONPATH", str(Path(foreign_runner.__file__).parent / "install"))
        monkeypatch.setenv("FOREIGN_SYSTEM", system.url)
        yield system


def submit(installation: Installation, count: int, **inputs: object) -> list[str]:
    return [begin(installation, "elsewhere", inputs) for _ in range(count)]


def begin(installation: Installation, process: str, inputs: dict) -> str:
    body = {"inputs": inputs, "response": "document"}
    status, document, _ = installation.get(f"/processes/{process}/execution", "POST", body, {"Prefer": "respond-async"})
    assert status == 201, document
    return document["jobID"]


def running_elsewhere(installation: Installation, system: ForeignSystem, ids: list[str]) -> None:
    """Wait until the run of each was started, and no worker holds it."""
    wait_until(lambda: set(ids) <= set(system.report()["starts"]), LIMIT_S, "the starts")
    assert all(status_of(installation, job_id)["status"] == "running" for job_id in ids[:5])


def leader(system: ForeignSystem) -> int:
    """The process that looks at the runs now."""
    before = system.report()["looks"]

    def found() -> int | None:
        now = system.report()["looks"]
        return next((int(pid) for pid, count in now.items() if count > before.get(pid, 0)), None)

    return wait_until(found, LIMIT_S, "a look at the runs")


def workers(installation: Installation) -> list[Seen]:
    return [seen for seen in installation.members() if seen.is_worker]


def check(installation: Installation, system: ForeignSystem, ids: list[str]) -> None:
    """Each job was successful, and its run was started once and released."""
    found = all_ended(installation, 180)
    assert {found[job_id]["status"] for job_id in ids} == {"successful"}
    report = system.report()
    assert {job_id: report["starts"].get(job_id) for job_id in ids} == dict.fromkeys(ids, 1)
    assert set(report["starts"]) == set(found) & set(report["starts"])
    wait_until(lambda: set(system.report()["runs"]) == set(system.report()["released"]), LIMIT_S, "all released")
    assert len(system.report()["released"]) == len(set(system.report()["released"]))
    for job_id in ids[:: max(1, len(ids) // 20)]:
        ends = [line for line in log_of(installation, job_id) if line.startswith(("successful after", "failed after"))]
        assert len(ends) == 1, (job_id, ends)
        status, results, _ = installation.get(f"/jobs/{job_id}/results")
        assert status == 200
        assert report["runs"][results["text"]]["job"] == job_id
    wait_until(lambda: not list((installation.folder / "work").iterdir()), LIMIT_S, "an empty work folder")


@on("embedded-sqlite", "redis-postgresql", heavy=("rabbitmq-mongodb",))
def test_five_hundred_runs_are_followed_whoever_is_killed(install: Callable, foreign: ForeignSystem) -> None:
    installation = install("engine.close=kill").up()
    ids = submit(installation, 500, seconds=45)
    running_elsewhere(installation, foreign, ids)

    started = time.monotonic()
    status, *_ = installation.get("/processes/echo/execution", "POST", {"inputs": {"message": "free"}})
    assert status == 200
    assert time.monotonic() - started < 10, "workers are held"

    kill(*workers(installation))
    if installation.celery:
        installation.workers[-1].process.wait()
        installation.work()
    os.kill(leader(foreign), signal.SIGKILL)
    if installation.celery and not installation.workers[-1].alive:
        installation.work()
    family = installation.web.family()
    installation.web.end(signal.SIGKILL)
    gone(family, LIMIT_S)
    installation.serve().says(" answers at ")
    check(installation, foreign, ids)


@on("embedded-sqlite", "redis-postgresql", heavy=("rabbitmq-mongodb",))
def test_workers_that_die_while_they_start_runs_start_none_twice(install: Callable, foreign: ForeignSystem) -> None:
    installation = install("engine.close=kill", "jobs.max_attempts=9").up()
    foreign.behave(start_s=0.4)
    ids = submit(installation, 12, seconds=1)
    for count in (2, 5, 8):
        wait_until(lambda count=count: len(foreign.report()["starts"]) >= count, LIMIT_S, f"{count} starts")
        kill(*workers(installation))
        if installation.celery:
            installation.workers[-1].process.wait()
            installation.work().says("ready.")
    check(installation, foreign, ids)
    assert any("was lost" in line for job_id in ids for line in log_of(installation, job_id))


@on("embedded-sqlite")
def test_a_run_that_nobody_can_tell_of_fails_its_job_and_is_not_started_again(
    install: Callable, foreign: ForeignSystem
) -> None:
    installation = install().up()
    foreign.behave(start_s=3)
    job_id = installation.submit("elsewhere-silent", {"seconds": 0})
    wait_until(lambda: foreign.report()["starts"], LIMIT_S, "the start")
    kill(*workers(installation))
    ended = end_of(installation, job_id, 40)
    assert ended["status"] == "failed"
    assert "nobody can tell" in ended["message"]
    assert foreign.report()["starts"] == {job_id: 1}


@on("embedded-sqlite", "redis-postgresql")
def test_a_dismissed_job_ends_its_run(install: Callable, foreign: ForeignSystem) -> None:
    installation = install().up()
    ids = submit(installation, 3, seconds=300)
    running_elsewhere(installation, foreign, ids)
    for job_id in ids[:2]:
        assert installation.get(f"/jobs/{job_id}", "DELETE")[1]["status"] == "dismissed"
    assert installation.get(f"/jobs/{ids[0]}", "DELETE")[1]["status"] == "dismissed"
    wait_until(lambda: len(foreign.report()["released"]) == 2, LIMIT_S, "the end of the runs")
    report = foreign.report()
    assert {report["runs"][name]["job"] for name in report["released"]} == set(ids[:2])
    assert status_of(installation, ids[2])["status"] == "running"


@on("embedded-sqlite")
def test_a_job_that_is_dismissed_while_its_run_starts_ends_it(install: Callable, foreign: ForeignSystem) -> None:
    installation = install().up()
    foreign.behave(start_s=2)
    (job_id,) = submit(installation, 1, seconds=300)
    wait_until(lambda: foreign.report()["starts"], LIMIT_S, "the start")
    assert installation.get(f"/jobs/{job_id}", "DELETE")[1]["status"] == "dismissed"
    wait_until(lambda: foreign.report()["released"], LIMIT_S, "the end of the run")


@on("embedded-sqlite")
def test_a_run_that_takes_too_long_is_ended(install: Callable, foreign: ForeignSystem) -> None:
    installation = install().up()
    job_id = installation.submit("elsewhere-limited", {"seconds": 300})
    ended = end_of(installation, job_id, 30)
    assert ended["status"] == "failed"
    assert "time limit of 4 s" in ended["message"]
    wait_until(lambda: foreign.report()["released"], LIMIT_S, "the end of the run")


@on("embedded-sqlite")
def test_what_becomes_of_a_run_is_seen_in_its_job(install: Callable, foreign: ForeignSystem, site: object) -> None:
    site.pages["/data.txt"] = (200, {}, b"x")
    installation = install().up()
    good = begin(installation, "elsewhere", {"seconds": 5, "data": {"href": f"{site.url}/data.txt"}})
    bad = begin(installation, "elsewhere", {"end": "failed"})
    odd = begin(installation, "elsewhere", {"end": "dismissed"})
    wait_until(lambda: 0 < status_of(installation, good)["progress"] < 100, LIMIT_S, "progress")
    assert status_of(installation, good)["message"] == "under way"
    assert end_of(installation, good)["status"] == "successful"
    run = next(run for run in foreign.report()["runs"].values() if run["job"] == good)
    assert run["data"] == f"{site.url}/data.txt"
    results = installation.get(f"/jobs/{good}/results")[1]
    assert results["text"].startswith("run-")
    assert results["file"]["value"] == f"of {results['text']}"
    assert "it broke there" in end_of(installation, bad)["message"]
    status, waited, _ = installation.get(
        "/processes/elsewhere/execution", "POST", {"inputs": {"seconds": 1}, "response": "document"}
    )
    assert status == 200
    assert waited["text"].startswith("run-")
    assert "was dismissed in the system that ran it" in end_of(installation, odd)["message"]


@on("embedded-sqlite")
def test_a_system_that_is_away_for_a_moment_costs_no_job(install: Callable, foreign: ForeignSystem) -> None:
    installation = install().up()
    ids = submit(installation, 3, seconds=4)
    running_elsewhere(installation, foreign, ids)
    foreign.behave(away=True)
    installation.get(f"/jobs/{ids[0]}", "DELETE")
    time.sleep(5)
    assert {status_of(installation, job_id)["status"] for job_id in ids[1:]} == {"running"}
    foreign.behave(away=False)
    assert {end_of(installation, job_id)["status"] for job_id in ids[1:]} == {"successful"}
    wait_until(lambda: len(foreign.report()["released"]) == 3, LIMIT_S, "all released")


@on("embedded-sqlite")
def test_runs_are_followed_through_a_restart(install: Callable, foreign: ForeignSystem) -> None:
    installation = install("engine.close=join").up()
    ids = submit(installation, 5, seconds=8)
    running_elsewhere(installation, foreign, ids)
    assert installation.web.end() == 0
    installation.serve().says(" answers at ")
    check(installation, foreign, ids)


@on("embedded-sqlite")
def test_the_jobs_of_a_system_that_stays_away_fail(
    install: Callable, foreign: ForeignSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREIGN_PATIENCE_S", "2")
    installation = install().up()
    (job_id,) = submit(installation, 1, seconds=300)
    running_elsewhere(installation, foreign, [job_id])
    foreign.behave(away=True)
    ended = end_of(installation, job_id, LIMIT_S)
    assert ended["status"] == "failed"
    assert "stays unavailable" in ended["message"]
