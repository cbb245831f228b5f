"""`kill -9` in the middle of 200 jobs: of every kind of process, of the broker, of the database.

Every accepted job comes to its end, once.
"""

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from tests.recovery.conftest import Stack, on
from tests.recovery.installation import LIMIT_S, Installation, Load
from tests.recovery.notes import notes_of
from tests.support.children import Seen, gone, kill
from tests.support.client import Served, all_ended, end_of, log_of
from tests.support.waiting import wait_until


def first(installation: Installation, wanted: Callable[[Seen], bool]) -> Seen:
    """One of the processes, as soon as there is one."""
    return wait_until(lambda: next(filter(wanted, installation.members()), None), LIMIT_S, "a victim")


def kill_child(installation: Installation) -> None:
    kill(first(installation, lambda seen: seen.is_job))


def kill_zygote(installation: Installation) -> None:
    kill(first(installation, lambda seen: seen.is_zygote))


def kill_worker(installation: Installation) -> None:
    """A process that runs jobs: an embedded worker, or one of Celery's pool."""
    mains = [program.process.pid for program in installation.workers]
    kill(first(installation, lambda seen: seen.is_worker and seen.pid not in mains))


def kill_main(installation: Installation) -> None:
    """The main process of a Celery worker; its pool ends by itself.

    Another one is started, as a service manager does.
    """
    installation.members()
    family = installation.workers[-1].family()
    installation.workers[-1].end(signal.SIGKILL)
    gone(family, LIMIT_S)
    installation.work()


def kill_all_workers(installation: Installation) -> None:
    workers = [seen for seen in installation.members() if seen.is_worker]
    kill(*workers)
    if installation.celery:
        installation.workers[-1].process.wait()
        installation.work()


def kill_web(installation: Installation) -> None:
    """The server alone. Its embedded workers end by themselves; Celery's go on."""
    installation.members()
    family = installation.web.family()
    installation.web.end(signal.SIGKILL)
    gone(family, LIMIT_S)
    installation.serve().says(" answers at ")


def kill_everybody(installation: Installation) -> None:
    kill(*installation.members())
    for program in (installation.web, *installation.workers):
        program.process.wait()
    installation.serve().says(" answers at ")
    if installation.celery:
        installation.work()


#: What is killed, one after the other, and how many jobs may fail by it: who
#: kills a job's own child or zygote fails the job.
KILLS = {
    "children and workers": ([kill_child, kill_worker, kill_zygote, kill_worker, kill_child], 3),
    "all workers": ([kill_all_workers, kill_all_workers], 0),
    "web": ([kill_web, kill_web], 0),
    "everybody": ([kill_everybody], 0),
}


def notes_after(installation: Installation, count: int) -> None:
    """Wait until that many more jobs have come to their end."""
    wanted = len(notes_of(installation.folder)) + count
    wait_until(lambda: len(notes_of(installation.folder)) >= wanted, LIMIT_S, f"{count} more jobs")


def check_all(installation: Installation, load: Load, may_fail: int = 0) -> None:
    """Every accepted job has ended, once; nothing is left in the work folder."""
    load.wait()
    found = all_ended(installation, LIMIT_S)
    assert len(set(load.accepted)) == len(load.accepted)
    assert set(load.accepted) <= set(found)
    # A request that got no answer may have left a job.
    assert len(found) - len(load.accepted) <= sum(load.refused.values())
    failed = [job for job in found.values() if job["status"] != "successful"]
    assert len(failed) <= may_fail, failed
    check_notes(installation, found)
    for job_id in found:
        ends = [line for line in log_of(installation, job_id) if line.startswith(("successful after", "failed after"))]
        # On MongoDB a crash right after the end of a job loses the last lines of its log.
        assert len(ends) == 1 or (not ends and installation.mongodb), (job_id, ends)
    wait_until(lambda: not list((installation.folder / "work").iterdir()), LIMIT_S, "an empty work folder")


def check_notes(served: Served, found: dict[str, dict]) -> None:
    """What succeeded was done, and not again after that."""
    notes = notes_of(served.folder)
    assert len({(note.job_id, note.attempt) for note in notes}) == len(notes)
    assert {
        job_id for job_id, job in found.items() if job["status"] == "successful" and job["processID"] == "note"
    } <= {note.job_id for note in notes}
    for note in notes:
        job = found[note.job_id]
        assert job["status"] == "failed" or note.at <= datetime.fromisoformat(job["finished"]).timestamp() + 0.001, (
            note,
            job,
        )


@on("embedded-sqlite", "rabbitmq-mongodb", heavy=("redis-postgresql",))
@pytest.mark.parametrize("victims", KILLS)
def test_nothing_is_lost_when_processes_are_killed_under_way(stack: Stack, install: Callable, victims: str) -> None:
    strike_under_way(install("engine.workers=2").up(), *KILLS[victims])


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_nothing_is_lost_when_the_main_process_of_a_worker_is_killed_under_way(stack: Stack, install: Callable) -> None:
    strike_under_way(install("engine.workers=2").up(), [kill_main, kill_main])


def strike_under_way(
    installation: Installation, strikes: list[Callable[[Installation], None]], may_fail: int = 0
) -> None:
    load = Load(installation)
    for strike in strikes:
        notes_after(installation, 15)
        strike(installation)
    check_all(installation, load, may_fail)


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_nothing_is_lost_when_the_broker_is_killed_under_way(stack: Stack, install: Callable) -> None:
    """Jobs are accepted while it is away; those that run come to their end."""
    installation = install("engine.workers=2").up()
    load = Load(installation)
    notes_after(installation, 15)
    stack.broker.kill()
    load.wait()
    load.accepted.append(installation.submit("note"))
    assert not load.refused
    assert "broker" in wait_until(
        lambda: "broker" in installation.health()["engine"] and installation.health()["engine"], LIMIT_S, "the trouble"
    )
    stack.broker.start()
    check_all(installation, load)
    wait_until(lambda: installation.health()["status"] == "ready", LIMIT_S, "readiness")


@on("embedded-postgresql", "rabbitmq-mongodb", heavy=("embedded-mariadb", "redis-postgresql"))
def test_nothing_is_lost_when_the_database_is_killed_under_way(stack: Stack, install: Callable) -> None:
    installation = install("engine.workers=2").up()
    load = Load(installation)
    notes_after(installation, 15)
    stack.database.kill()
    status, _, headers = installation.get(
        "/processes/note/execution", "POST", {"inputs": {}}, {"Prefer": "respond-async"}
    )
    assert (status, "Retry-After" in headers) == (503, True)
    assert installation.get("/jobs")[0] == 503
    assert installation.health()["store"] != "ok"
    assert installation.get("/health/live")[0] == 200
    stack.database.start()
    check_all(installation, load)
    assert set(load.refused) <= {"503 retry"}
    wait_until(lambda: installation.health()["status"] == "ready", LIMIT_S, "readiness")


@on("embedded-postgresql", heavy=("embedded-mariadb",))
def test_a_worker_that_could_not_renew_its_lease_while_the_database_was_away_is_not_lost(
    stack: Stack, install: Callable
) -> None:
    """It stands still for a moment when the database is back, so that somebody else looks first."""
    lease_s = 6
    installation = install("engine.workers=1", f"engine.lease_s={lease_s}").up()
    job_id, child = installation.begin("sleep", delay=20)
    worker = child.worker
    stack.database.kill()
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        passed(lease_s)
        stack.database.start()
        wait_until(lambda: installation.health()["store"] == "ok", LIMIT_S, "the database")
        passed(lease_s / 2 + 0.5)  # the housekeeper has looked
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    assert end_of(installation, job_id, LIMIT_S)["status"] == "successful"
    assert not [line for line in log_of(installation, job_id) if "lost" in line]


def passed(wanted_s: float) -> None:
    """Wait for a time that is measured, not a state: nothing must happen in it."""
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began >= wanted_s, 2 * wanted_s, "the time")
