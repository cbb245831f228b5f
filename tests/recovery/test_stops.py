"""Ends that were asked for: signals, close policies, dismissals, limits; nothing of a job outlives it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.children import Seen, begin, family_of, gone, jobs_of, look, workers_of
from tests.support.client import Served, all_jobs, end_of, log_of, status_of
from tests.support.waiting import wait_until


def statuses(served: Served, ids: list[str]) -> list[str]:
    found = all_jobs(served)
    return [found[job_id]["status"] for job_id in ids]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_running_jobs_finish_and_keeps_the_others(serve: object, number: int) -> None:
    """engine.close=cancel, the default."""
    served = serve()
    ids = [served.submit("sleep", {"delay": 1}) for _ in range(5)]
    wait_until(lambda: len(jobs_of(served)) == 2, 10, "two children")
    seen = family_of(served.process.pid)
    assert served.stop(number) == 0
    gone(seen)
    again = serve()
    assert statuses(again, ids)[:2] == ["successful", "successful"]
    assert [end_of(again, job_id)["status"] for job_id in ids] == ["successful"] * 5
    assert not any("attempt 2" in line for job_id in ids for line in log_of(again, job_id))


def test_join_empties_the_queue(serve: object) -> None:
    served = serve("engine.close=join")
    ids = [served.submit("sleep", {"delay": 0.1}) for _ in range(12)]
    seen = family_of(served.process.pid)
    assert served.stop() == 0
    gone(seen)
    assert statuses(serve("engine.workers=1"), ids) == ["successful"] * 12


@pytest.mark.parametrize("how", ["policy", "second Ctrl-C", "second Ctrl-C while joining", "grace"])
def test_kill_ends_running_jobs_at_once_and_they_begin_again(serve: object, how: str) -> None:
    """A second Ctrl-C is `kill` whatever the policy; so is a job that outlives the grace of `cancel`."""
    policy = {"policy": "kill", "second Ctrl-C while joining": "join"}.get(how, "cancel")
    served = serve(
        f"engine.close={policy}", "engine.workers=1", f"engine.close_grace_s={0.5 if how == 'grace' else 30}"
    )
    job_id = begin(served, "sleep", delay=30)
    waiting = served.submit("sleep", {"delay": 0})
    seen = family_of(served.process.pid)
    began = time.monotonic()
    served.process.send_signal(signal.SIGINT)
    if how.startswith("second"):
        wait_until(
            lambda: any("stopping" in log.read_text() for log in served.folder.glob("logs/server.log")),
            5,
            "the first Ctrl-C",
        )
        served.process.send_signal(signal.SIGINT)
    assert served.process.wait(20) == 0
    assert time.monotonic() - began < 15
    gone(seen)
    again = serve()
    wait_until(lambda: status_of(again, job_id)["status"] == "running", 10, "the new start of the job")
    assert end_of(again, waiting)["status"] == "successful"
    assert again.get(f"/jobs/{job_id}", "DELETE")[1]["status"] == "dismissed"


def test_an_idle_server_stops_at_once(serve: object) -> None:
    served = serve()
    seen = wait_until(lambda: len(found := family_of(served.process.pid)) >= 5 and found, 10, "workers and zygotes")
    began = time.monotonic()
    assert served.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 8  # there is nothing to wait 10 s for
    gone(seen, 1)


def test_a_second_server_in_the_same_folder_is_refused(serve: object) -> None:
    served = serve()
    command = [str(Path(sys.executable).parent / "weaver-like"), "serve", "--port", "0", "--data", str(served.folder)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0
    assert str(served.folder) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert end_of(served, served.submit("greet", {"name": "x"}))["status"] == "successful"
    served.stop(signal.SIGKILL)
    again = serve()
    assert end_of(again, again.submit("greet", {"name": "x"}))["status"] == "successful"


def test_a_stopped_service_frees_its_folder(make_app: object, tmp_path: Path) -> None:
    """Also inside one process: a WSGI server reloads so."""
    first = make_app(folder=tmp_path / "data")
    first.service.stop()
    second = make_app(folder=tmp_path / "data")
    assert second.get("/jobs").json["jobs"] == []


def grandchildren(data: Path) -> list[Seen]:
    paths = wait_until(lambda: len(found := list((data / "family").iterdir())) == 4 and found, 10, "four grandchildren")
    members = [look(int(path.read_text())) for path in paths]
    assert all(members), "a grandchild had ended by itself"
    return members


@pytest.mark.parametrize("deaf", [False, True])
def test_grandchildren_end_when_the_job_is_dismissed(serve: object, data: Path, deaf: bool) -> None:
    """`deaf`: the job ignores SIGTERM."""
    served = serve("jobs.cancel_grace_s=0.5")
    job_id = begin(served, "family", wait=60, deaf=deaf)
    wait_until(lambda: "all are there" in log_of(served, job_id), 10, "the grandchildren")
    seen = [*grandchildren(data), *jobs_of(served)]
    assert served.get(f"/jobs/{job_id}", "DELETE")[0] == 200
    gone(seen, 3)
    assert status_of(served, job_id)["status"] == "dismissed"
    assert end_of(served, served.submit("note"))["status"] == "successful"
    assert len(workers_of(served)) == 2


def test_grandchildren_end_when_the_time_is_over(serve: object, data: Path) -> None:
    served = serve("jobs.cancel_grace_s=0.2")
    job_id = begin(served, "short-family")
    seen = [*grandchildren(data), *jobs_of(served)]
    ended = end_of(served, job_id, 10)
    assert ended["status"] == "failed"
    assert "1.5 s" in ended["message"]
    gone(seen, 1)


def test_grandchildren_end_with_their_job(serve: object, data: Path) -> None:
    served = serve()
    job_id = served.submit("family", {"wait": 1})
    seen = grandchildren(data)
    assert end_of(served, job_id)["status"] == "successful"
    gone(seen, 1)


def test_a_dismissal_does_not_disturb_the_reading_of_plugins(serve: object, data: Path) -> None:
    """The worker reads them in children of its own, beside the job."""
    (data / "plugins" / "slow.py").write_text(
        "import time\nfrom weaver_like.authoring import process\ntime.sleep(3)\n"
        "@process(id='slow')\ndef slow() -> str:\n    return 'x'\n"
    )
    served = serve("engine.workers=1", "jobs.cancel_grace_s=0.2")
    job_id = begin(served, "sleep", delay=60)
    assert served.get(f"/jobs/{job_id}", "DELETE")[0] == 200
    ended = end_of(served, served.submit("slow"))
    assert ended["status"] == "successful", ended
