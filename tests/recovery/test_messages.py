"""Messages between servers and workers that are lost, doubled or late: the store decides."""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from tests.recovery.conftest import Stack, on
from tests.recovery.installation import LIMIT_S
from tests.recovery.notes import notes_of
from tests.support.children import gone, look
from tests.support.client import all_ended, end_of, status_of
from tests.support.waiting import wait_until
from weaver_like.engines.celery.broker import Broker
from weaver_like.engines.celery.engine import CeleryEngine


@on("redis-postgresql")
def test_jobs_whose_messages_were_lost_with_the_broker_run(stack: Stack, install: Callable) -> None:
    """Redis comes back without its data."""
    installation = install("engine.workers=1").up()
    installation.begin("sleep", delay=2)
    ids = [installation.submit("note") for _ in range(20)]
    stack.broker.kill()
    for path in stack.broker.folder.glob("appendonly*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    stack.broker.start()
    assert {job["status"] for job in all_ended(installation, LIMIT_S).values()} == {"successful"}
    assert sorted(note.job_id for note in notes_of(installation.folder)) == sorted(ids)


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_messages_that_come_twice_run_nothing_twice(stack: Stack, install: Callable) -> None:
    installation = install("engine.workers=2").up()
    with sender(stack) as engine:
        ids = []
        for _ in range(20):
            ids.append(installation.submit("note"))
            for _ in range(3):
                engine.submit(ids[-1], "default")
        assert {job["status"] for job in all_ended(installation, LIMIT_S).values()} == {"successful"}
        engine.submit(ids[0], "default")
    ended = end_of(installation, installation.submit("note"), LIMIT_S)
    assert ended["status"] == "successful", ended
    notes = notes_of(installation.folder)
    assert len(notes) == len({note.job_id for note in notes}) == 21
    assert {note.attempt for note in notes} == {1}


@contextmanager
def sender(stack: Stack) -> CeleryEngine:
    """Another server's engine, which sends what it is told."""
    given = dict(setting.split("=", 1) for setting in stack.settings)
    engine = CeleryEngine(Broker(given["celery.broker_url"], given["celery.prefix"]), hears_events=False)
    engine.start()
    yield engine
    engine.drain("kill", 0)


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_dismissal_reaches_the_child_on_another_process(stack: Stack, install: Callable) -> None:
    """The child does not hear SIGTERM."""
    installation = install("engine.workers=1", "engine.lease_s=60", "jobs.cancel_grace_s=0.2").up()
    job_id, child = installation.begin("family", wait=120, deaf=True)
    wait_until(lambda: len(list((installation.folder / "family").iterdir())) == 4, LIMIT_S, "the grandchildren")
    members = [look(int(path.read_text())) for path in (installation.folder / "family").iterdir()]
    assert installation.get(f"/jobs/{job_id}", "DELETE")[1]["status"] == "dismissed"
    gone([child, *members], 10)
    ended = end_of(installation, installation.submit("note"), LIMIT_S)
    assert ended["status"] == "successful", ended
    assert status_of(installation, job_id)["status"] == "dismissed"


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_dismissal_in_a_pool_of_threads_leaves_the_other_jobs_alone(stack: Stack, install: Callable) -> None:
    installation = install("engine.workers=2")
    installation.serve().says(" answers at ")
    installation.work("--pool", "threads").says("ready.")
    dismissed, child = installation.begin("sleep", delay=120)
    other, _ = installation.begin("sleep", delay=4)
    assert installation.get(f"/jobs/{dismissed}", "DELETE")[1]["status"] == "dismissed"
    gone([child], 10)
    assert end_of(installation, other, LIMIT_S)["status"] == "successful"


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_dismissal_wins_against_a_late_success(stack: Stack, install: Callable) -> None:
    """The worker's process stands still while the job comes to its end and is dismissed."""
    installation = install("engine.workers=1", "engine.lease_s=60").up()
    job_id, child = installation.begin("note", delay=2)
    process = child.worker
    os.kill(process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: notes_of(installation.folder), LIMIT_S, "the end of the job's own work")
        assert installation.get(f"/jobs/{job_id}", "DELETE")[1]["status"] == "dismissed"
    finally:
        os.kill(process.pid, signal.SIGCONT)
    ended = end_of(installation, installation.submit("note"), LIMIT_S)
    assert ended["status"] == "successful", ended
    assert status_of(installation, job_id)["status"] == "dismissed"
    assert installation.get(f"/jobs/{job_id}/results")[0] == 404
    assert not (installation.folder / "outputs" / job_id).exists()


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_dismissal_needs_no_broker(stack: Stack, install: Callable) -> None:
    """The worker hears of it from the store, when it renews its lease: after a third of it, 1.7 s."""
    installation = install("engine.workers=1").up()
    job_id, child = installation.begin("sleep", delay=120)
    stack.broker.kill()
    status, document, _ = installation.get(f"/jobs/{job_id}", "DELETE")
    assert (status, document["status"]) == (200, "dismissed")
    gone([child], 10)
    stack.broker.start()
    ended = end_of(installation, installation.submit("note"), LIMIT_S)
    assert ended["status"] == "successful", ended
    assert status_of(installation, job_id)["status"] == "dismissed"
    for word in ("Traceback", "Deprecation"):
        assert word not in installation.workers[0].text


@on("embedded-sqlite", "rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_full_disk_fails_the_job_with_that_reason_and_the_next_one_succeeds(
    stack: Stack, install: Callable, small_disk: Path
) -> None:
    installation = install("engine.workers=1", f"files.outputs_dir={small_disk}").up()
    failed = end_of(installation, installation.submit("fill", {"size": 6 * 2**20}), LIMIT_S)
    assert failed["status"] == "failed"
    assert "no space left" in failed["message"]
    assert not [path for path in small_disk.rglob("*") if path.is_file()]
    wait_until(lambda: not list(small_disk.iterdir()), LIMIT_S, "an empty output area")
    kept = installation.submit("fill", {"size": 2**16})
    assert end_of(installation, kept, LIMIT_S)["status"] == "successful"
    assert len(installation.get(f"/jobs/{kept}/results")[1]) == 2**16
    wait_until(lambda: not list((installation.folder / "work").iterdir()), LIMIT_S, "an empty work folder")


@on("embedded-sqlite")
def test_a_job_that_fills_the_disk_of_everything_is_cleared_away_before_its_failure_is_kept(
    stack: Stack, install: Callable, small_disk: Path, data: Path
) -> None:
    """Store, work folder and results are on it: without room not even the failure could be kept."""
    shutil.copytree(data / "plugins", small_disk / "plugins")
    installation = install(
        "engine.workers=1", f"files.data_dir={small_disk}", f"plugins.folders={data / 'plugins'}"
    ).up()
    failed = end_of(installation, installation.submit("fill", {"size": 6 * 2**20}), LIMIT_S)
    assert failed["status"] == "failed"
    assert "No space left" in failed["message"]
    kept = installation.submit("fill", {"size": 2**16})
    assert end_of(installation, kept, LIMIT_S)["status"] == "successful"
    assert not list((small_disk / "work").iterdir())
