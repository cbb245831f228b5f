"""Several schedulers on one store, `kill -9`, and restarts: every firing gives one job."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import systems
from tests.support.client import Served, end_of
from tests.support.waiting import wait_until
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import JobFilter
from weaver_like.domain.schedule import Schedule, ScheduleFilter
from weaver_like.domain.values import Occurrences, Value
from weaver_like.runtime import Runtime
from weaver_like.settings import load
from weaver_like.wiring import build

#: A scheduler as a server has it, in a process without workers. Begins when
#: a line comes in, ends with its standard input.
SCHEDULER = """
import sys
from weaver_like.jobs.scheduler import Scheduler
from weaver_like.settings import load
from weaver_like.wiring import build
runtime = build(load(overrides=sys.argv[1:]), serving=True)
print("ready", flush=True)
sys.stdin.readline()
Scheduler(runtime).start()
sys.stdin.read()
"""
EVERYTHING = 10**5


@pytest.fixture
def shared(tmp_path: Path) -> str:
    return f"store.url=sqlite:///{tmp_path}/shared.sqlite"


@pytest.fixture
def runtime(tmp_path: Path, shared: str) -> Iterator[Runtime]:
    """Looks at the store of all schedulers."""
    opened = build(load(overrides=[f"files.data_dir={tmp_path}/looking", shared]))
    opened.store.migrate()
    yield opened
    opened.store.close()


@pytest.fixture
def start(tmp_path: Path, shared: str) -> Iterator[Callable[[], subprocess.Popen]]:
    """Starts scheduler processes that wait for a line."""
    started = []

    def one() -> subprocess.Popen:
        given = [f"files.data_dir={tmp_path}/scheduler{len(started)}", "processes.testing=true", shared]
        process = subprocess.Popen(
            [sys.executable, "-c", SCHEDULER, *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield one
    for process in started:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


def begin(*schedulers: subprocess.Popen) -> None:
    for scheduler in schedulers:
        scheduler.stdin.write("go\n")
        scheduler.stdin.flush()


def due_at(due: datetime, cron: str = "0 0 29 2 *") -> Schedule:
    execution = Execution({"name": Occurrences((Value("x"),), ("/inputs/name",))})
    return Schedule(str(uuid.uuid4()), "greet", cron, "UTC", execution, datetime.now(UTC), due)


def add_due(runtime: Runtime, count: int) -> list[Schedule]:
    made = [due_at(datetime.now(UTC) - timedelta(seconds=1)) for _ in range(count)]
    for schedule in made:
        runtime.store.schedules.add(schedule, EVERYTHING)
    return made


def check_fired_once(runtime: Runtime, made: list[Schedule]) -> None:
    jobs = runtime.store.jobs.find(JobFilter(limit=EVERYTHING)).jobs
    assert sorted(job.id for job in jobs) == sorted(schedule.next_job_id for schedule in made)
    found = runtime.store.schedules.find(ScheduleFilter(limit=EVERYTHING)).schedules
    assert {(schedule.id, schedule.last_job_id, schedule.failure) for schedule in found} == {
        (schedule.id, schedule.next_job_id, None) for schedule in made
    }
    for job in jobs:
        assert runtime.store.jobs.get_documents(job.id).execution.inputs["name"].items == (Value("x"),)


def none_is_due(runtime: Runtime) -> bool:
    return runtime.store.schedules.next_due() > datetime.now(UTC)


def test_four_schedulers_fire_each_of_two_hundred_once(runtime: Runtime, start: Callable) -> None:
    made = add_due(runtime, 200)
    begin(*[start() for _ in range(4)])
    wait_until(lambda: none_is_due(runtime), 30, "all firings")
    check_fired_once(runtime, made)


def test_schedulers_that_are_killed_in_the_middle_leave_each_firing_whole(runtime: Runtime, start: Callable) -> None:
    """One after the other is killed while it fires; what it did stays, what it did not do is left for the next one."""
    made = add_due(runtime, 1000)

    def left() -> int:
        return len(runtime.store.schedules.due(datetime.now(UTC), EVERYTHING))

    interrupted = 0
    while before := left():
        scheduler = start()
        begin(scheduler)
        wait_until(lambda before=before: left() < before, 30, "a firing")
        if interrupted == 3:
            wait_until(lambda: none_is_due(runtime), 60, "all firings")
        scheduler.kill()
        scheduler.wait(10)
        interrupted += left() > 0
    assert interrupted
    check_fired_once(runtime, made)


def stored(served: Served, schedule: Schedule) -> None:
    """Put a schedule into the store of a server that has been stopped."""
    opened = build(load(overrides=[f"files.data_dir={served.folder}", *systems.current[0].settings(served.folder)]))
    opened.store.schedules.add(schedule, EVERYTHING)
    opened.store.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_makes_up_for_what_was_missed_once_and_at_once(serve: Callable, number: int) -> None:
    """Due five times while the server was down, the last time half an hour ago;
    also after a crash no lead has to run out first."""
    served = serve()
    served.stop(number)
    now = datetime.now(UTC)
    schedule = due_at(now - timedelta(hours=4.5), f"{(now.minute + 30) % 60} * * * *")
    stored(served, schedule)
    again = serve()
    wait_until(lambda: again.get("/jobs")[1]["jobs"], 10, "the job")
    assert end_of(again, schedule.next_job_id)["status"] == "successful"
    found = again.get(f"/schedules/{schedule.id}")[1]
    assert datetime.fromisoformat(found["nextFiring"]) > now
    again.stop()
    third = serve()
    assert third.get(f"/schedules/{schedule.id}")[1] == found | {
        "links": third.get(f"/schedules/{schedule.id}")[1]["links"]
    }
    assert len(third.get("/jobs")[1]["jobs"]) == 1


def test_a_restart_does_not_make_up_for_what_is_too_old(serve: Callable) -> None:
    served = serve()
    served.stop()
    now = datetime.now(UTC)
    stored(served, due_at(now - timedelta(hours=4.5), f"{(now.minute + 30) % 60} * * * *"))
    again = serve("jobs.schedule_catch_up_s=60")
    (found,) = wait_until(
        lambda: [one for one in again.get("/schedules")[1]["schedules"] if "lastFiring" in one], 10, "the firing"
    )
    assert "No scheduler was running" in found["lastFailure"]
    assert again.get("/jobs")[1]["jobs"] == []
