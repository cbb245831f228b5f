"""Stops and restarts that were asked for, under load: nobody notices but who spoke with what was stopped."""

import signal
from collections.abc import Callable
from pathlib import Path

from tests.recovery.conftest import Stack, on
from tests.recovery.installation import LIMIT_S, Installation, Load
from tests.recovery.notes import notes_of
from tests.recovery.test_loads import check_all, notes_after
from tests.support.children import gone
from tests.support.client import all_ended, end_of, log_of


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_worker_that_is_asked_to_stop_finishes_what_it_can_and_gives_back_the_rest(
    stack: Stack, install: Callable
) -> None:
    """Within engine.close_grace_s.

    A job that was given back is not a loss: with jobs.max_attempts=1 a single one would end it.
    """
    installation = install("engine.workers=2", "engine.close_grace_s=2", "jobs.max_attempts=1").up()
    long, _ = installation.begin("sleep", delay=6)
    short, _ = installation.begin("sleep", delay=1)
    (old,) = installation.workers
    family = old.family()
    old.process.send_signal(signal.SIGTERM)
    installation.work()
    waiting = installation.submit("note")
    assert old.process.wait(LIMIT_S) == 0
    gone(family, LIMIT_S)
    assert {job["status"] for job in all_ended(installation, LIMIT_S).values()} == {"successful"}
    assert attempts(installation, short) == [1]
    assert attempts(installation, long)[-1] >= 2
    assert end_of(installation, waiting)["status"] == "successful"
    assert "Traceback" not in old.text


def attempts(installation: Installation, job_id: str) -> list[int]:
    """Numbers of the attempts that came to their end, as the job's log has them."""
    return [
        int(line.rpartition("attempt ")[2].rstrip(")"))
        for line in log_of(installation, job_id)
        if line.startswith("successful after")
    ]


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_rolling_restart_of_servers_and_workers_fails_no_request(stack: Stack, data: Path, install: Callable) -> None:
    installation, other = install("engine.workers=1").up(), install("engine.workers=1").up()
    loads = [Load(installation, None), Load(other, None)]
    for one in (installation, other):
        notes_after(one, 5)
        one.web.end()
        one.serve().says(" answers at ")
        notes_after(one, 5)
        (old,) = one.workers
        one.work().says("ready.")
        assert old.end() == 0
    for load in loads:
        load.finish()
        assert set(load.refused) <= {"no connection"}, load.refused
    loads[0].accepted += loads[1].accepted
    loads[0].refused += loads[1].refused
    check_all(installation, loads[0])
    assert {note.attempt for note in notes_of(data)} <= {1, 2}


@on("embedded-sqlite")
def test_a_restart_of_the_server_under_load_loses_nothing(stack: Stack, install: Callable) -> None:
    """Its workers stop with it: meanwhile it takes no more jobs, and says so."""
    installation = install("engine.workers=2").up()
    load = Load(installation, None)
    for _ in range(2):
        notes_after(installation, 15)
        assert installation.web.end() == 0
        installation.serve().says(" answers at ")
    load.finish()
    check_all(installation, load)
    assert set(load.refused) <= {"no connection", "503 retry"}
    assert {note.attempt for note in notes_of(installation.folder)} == {1}
