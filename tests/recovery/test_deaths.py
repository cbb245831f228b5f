"""`kill -9` of every kind of process that a server has: only what must suffer suffers, and everything is repaired."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.children import begin, family_of, gone, jobs_of, kill, look, workers_of, zygotes_of
from tests.support.client import end_of, log_of, status_of
from tests.support.waiting import wait_until


def test_a_killed_child_fails_its_job_alone_and_says_the_signal(serve: object) -> None:
    served = serve()
    first = begin(served, "sleep", delay=30)
    (victim,) = jobs_of(served)
    second = served.submit("sleep", {"delay": 3})
    wait_until(lambda: len(jobs_of(served)) == 2, 10, "the second child")
    workers, zygotes = workers_of(served), zygotes_of(served)
    kill(victim)
    failed = end_of(served, first, 15)
    assert failed["status"] == "failed"
    assert "signal 9" in failed["message"]
    assert "Killed" in failed["message"]
    assert end_of(served, second)["status"] == "successful"
    assert (workers_of(served), zygotes_of(served)) == (workers, zygotes)
    assert served.get(f"/jobs/{first}/results")[0] == 500


def test_a_killed_worker_is_replaced_and_its_job_tried_again(serve: object) -> None:
    served = serve()
    job_id = begin(served, "sleep", delay=4)
    neighbour = served.submit("sleep", {"delay": 4})
    wait_until(lambda: len(jobs_of(served)) == 2, 10, "both children")
    child = next(seen for seen in jobs_of(served) if job_of(seen.pid) == job_id)
    zygote = look(child.parent)
    kill(zygote.worker)
    gone([child, zygote])
    assert end_of(served, job_id)["status"] == "successful"
    assert any("attempt 1 was lost" in line for line in log_of(served, job_id))
    assert any("attempt 2" in line for line in log_of(served, job_id))
    assert end_of(served, neighbour)["status"] == "successful"
    assert not any("lost" in line for line in log_of(served, neighbour))
    wait_until(lambda: len(workers_of(served)) == 2, 10, "a new worker")


def job_of(pid: int) -> str:
    """The id of the job that a child runs: its folder is named so."""
    return os.path.basename(os.readlink(f"/proc/{pid}/cwd"))[:36]


def test_the_death_of_worker_one_leaves_worker_ten_alone(serve: object) -> None:
    served = serve("engine.workers=10")
    ids = [served.submit("sleep", {"delay": 6}) for _ in range(10)]
    wait_until(lambda: len(jobs_of(served)) == 10, 30, "ten children")
    first = min(workers_of(served), key=lambda worker: (int(worker.start), worker.pid))
    victim = next(job_of(job.pid) for job in jobs_of(served) if job.worker == first)
    kill(first)
    wait_until(lambda: any("lost" in line for line in log_of(served, victim)), 10, "the loss of the job")
    touched = [job_id for job_id in ids if any("lost" in line for line in log_of(served, job_id))]
    assert touched == [victim]


def test_a_job_whose_worker_is_lost_too_often_fails_and_its_subscriber_hears_at_once(
    serve: object, site: object
) -> None:
    served = serve("jobs.max_attempts=2", "engine.workers=1")
    body = {"inputs": {"delay": 30}, "subscriber": {"successUri": f"{site.url}/ok", "failedUri": f"{site.url}/bad"}}
    job_id = served.get("/processes/sleep/execution", "POST", body, {"Prefer": "respond-async"})[1]["jobID"]
    for _ in range(2):
        wait_until(lambda: jobs_of(served), 10, "the child")
        kill(*workers_of(served))
        wait_until(lambda: not jobs_of(served), 10, "the end of the child")
    ended = end_of(served, job_id)
    assert ended["status"] == "failed"
    assert "worker was lost" in ended["message"]
    assert served.get(f"/jobs/{job_id}/results")[1]["status"] == 500
    wait_until(lambda: [path for path, *_ in site.received] == ["/bad"], 5, "the callback")
    wait_until(lambda: len(workers_of(served)) == 1, 10, "a new worker")


def test_a_stop_does_not_count_as_a_lost_worker(serve: object) -> None:
    served = serve("engine.workers=1", "engine.close=kill", "jobs.max_attempts=2")
    job_id = begin(served, "sleep", delay=4)
    served.stop()
    again = serve("engine.workers=1", "jobs.max_attempts=2")
    wait_until(lambda: jobs_of(again), 10, "the second attempt")
    kill(*workers_of(again))
    assert end_of(again, job_id)["status"] == "successful"


def test_a_killed_zygote_fails_its_job_and_leaves_nobody_behind(serve: object, data: Path) -> None:
    served = serve("engine.workers=1")
    job_id = begin(served, "family", wait=60)
    wait_until(lambda: "all are there" in log_of(served, job_id), 10, "the grandchildren")
    members = [look(int(path.read_text())) for path in (data / "family").iterdir()]
    victims, workers = zygotes_of(served), workers_of(served)
    kill(*victims)
    ended = end_of(served, job_id, 15)
    assert ended["status"] == "failed"
    assert "killed" in ended["message"]
    gone([*victims, *members])
    assert end_of(served, served.submit("note"))["status"] == "successful"
    assert workers_of(served) == workers


@pytest.mark.parametrize("victim", ["server", "worker"])
def test_grandchildren_end_with_their_server_and_their_worker(serve: object, data: Path, victim: str) -> None:
    served = serve("engine.workers=1", "jobs.max_attempts=1")
    job_id = begin(served, "family", wait=60)
    wait_until(lambda: "all are there" in log_of(served, job_id), 10, "the grandchildren")
    members = [look(int(path.read_text())) for path in (data / "family").iterdir()]
    assert len(members) == 4
    assert all(members)
    if victim == "server":
        seen = family_of(served.process.pid)
        served.stop(signal.SIGKILL)
        gone([*seen, *members])
    else:
        kill(*workers_of(served))
        gone(members)


def test_a_worker_that_wakes_up_late_spoils_nothing(serve: object, data: Path) -> None:
    """It was stopped longer than its lease; another attempt was successful meanwhile."""
    served = serve("engine.lease_s=5")
    job_id = begin(served, "slow-file", pause=3)
    child = next(seen for seen in jobs_of(served) if job_of(seen.pid) == job_id)
    sleeper = child.worker
    os.kill(sleeper.pid, signal.SIGSTOP)
    try:
        # Who sleeps in the middle of a write holds the lock of the database, and everybody waits for it.
        while (
            served.get("/processes/greet/execution", "POST", {"inputs": {"name": "x"}}, {"Prefer": "respond-async"})[0]
            == 503
        ):
            os.kill(sleeper.pid, signal.SIGCONT)
            os.kill(sleeper.pid, signal.SIGSTOP)
        assert end_of(served, job_id, 40)["status"] == "successful"
        assert served.get(f"/jobs/{job_id}/results/output")[1] == b"2"
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    for marker in (served.submit("sleep", {"delay": 0.3}) for _ in range(4)):
        assert end_of(served, marker)["status"] == "successful"
    wait_until(lambda: not list((data / "work").glob(f"{job_id}-*")), 10, "the end of the late attempt")
    assert status_of(served, job_id)["status"] == "successful"
    assert served.get(f"/jobs/{job_id}/results/output")[:2] == (200, b"2")


def test_a_killed_nursery_takes_its_workers_with_it_and_their_jobs_are_tried_again(serve: object, data: Path) -> None:
    served = serve()
    ids = [begin(served, "sleep", delay=3), begin(served, "family", wait=2)]
    wait_until(lambda: "all are there" in log_of(served, ids[1]), 10, "the grandchildren")
    members = [look(int(path.read_text())) for path in (data / "family").iterdir()]
    seen = family_of(served.process.pid)
    (nursery,) = [one for one in seen if one.name == "wl-nursery" and one.parent == served.process.pid]
    kill(nursery)
    gone([*[one for one in seen if one.pid != served.process.pid], *members])
    for job_id in ids:
        assert end_of(served, job_id, 30)["status"] == "successful"
        assert any("attempt 1 was lost" in line for line in log_of(served, job_id))
    left = [one for one in family_of(served.process.pid) if one.parent == served.process.pid]
    assert [one.name for one in left] == ["wl-nursery"]


def test_the_nursery_and_its_zygotes_never_hold_the_password_of_the_store(serve: object, postgresql_url: str) -> None:
    """Neither in their environment nor in their memory, which the children of jobs get too."""
    with_password = make_url(postgresql_url).set(password="sesame-open-now")
    served = serve(f"store.url={with_password.render_as_string(hide_password=False)}")
    begin(served, "sleep", delay=30)
    family = family_of(served.process.pid)
    holding = {one.name for one in family if b"sesame-open-now" in memory_of(one.pid)}
    assert {name for name in holding if name.startswith("wl-")} <= {"wl-worker-1", "wl-worker-2"}
    assert holding  # the look does find it where it is
    assert {one.name for one in family} >= {"wl-nursery", "wl-zygote-1", "wl-job"}


def memory_of(pid: int) -> bytes:
    """Environment and writable memory of a process; nothing of one that has ended."""
    try:
        found = [Path(f"/proc/{pid}/environ").read_bytes()]
    except FileNotFoundError:
        return b""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if "w" not in rights:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                found.append(memory.read(end - begin))
            except (OSError, OverflowError):
                continue
    return b"".join(found)
