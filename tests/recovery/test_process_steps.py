"""Steps that run processes are jobs of their own: whoever is killed, none outlives the job that waits for it."""

from collections.abc import Callable

import pytest

from tests.support.children import Seen, gone, jobs_of, kill, workers_of
from tests.support.client import Served, all_jobs, end_of, status_of
from tests.support.waiting import wait_until
from tests.support.workflows import workflow

STEP = {"run": "sleep", "in": {"delay": "delay"}, "scatter": "delay", "out": ["output"]}
FLOW = {"cwlVersion": "v1.2", "id": "flow"} | workflow({"nap": STEP}, {"delay": "double[]"})


def begin(served: Served, delays: list[float]) -> str:
    """Submit the workflow; its job."""
    if served.get("/processes/flow")[0] == 404:
        assert served.get("/processes", "POST", FLOW, {"Content-Type": "application/cwl+json"})[0] == 201
    return served.submit("flow", {"delay": delays})


def steps_that_run(served: Served, job_id: str, count: int) -> list[str]:
    """Wait until so many of its steps run as jobs; their ids."""

    def found() -> list[str] | None:
        steps = served.get(f"/jobs/{job_id}/steps")[1]["steps"]
        ids = [step["jobID"] for step in steps if "jobID" in step]
        running = [one for one in ids if status_of(served, one)["status"] == "running"]
        seen = {one.job_id for one in jobs_of(served)}
        return running if len(running) == count and {job_id, *running} <= seen else None

    return wait_until(found, 60, "the jobs of the steps")


def worker_of(served: Served, job_id: str) -> Seen:
    child = next(seen for seen in jobs_of(served) if seen.job_id == job_id)
    return child.worker


@pytest.mark.parametrize("workers", [1, 2], ids=["beside the job that waits", "on another worker too"])
def test_a_killed_worker_takes_the_steps_of_its_job_along(serve: Callable, workers: int) -> None:
    served = serve(f"engine.workers={workers}", "sandbox.parallel=2")
    job_id = begin(served, [3] * workers)
    lost = steps_that_run(served, job_id, workers)
    children = [seen for seen in jobs_of(served) if seen.job_id in lost]
    kill(worker_of(served, job_id))
    gone(children)
    assert end_of(served, job_id, 60)["status"] == "successful"
    assert [status_of(served, one)["status"] for one in lost] == ["dismissed"] * workers
    others = [job for job in all_jobs(served).values() if job["jobID"] not in (job_id, *lost)]
    assert [job["status"] for job in others] == ["successful"] * workers


def test_a_job_that_fails_ends_the_jobs_that_are_its_steps(serve: Callable) -> None:
    served = serve("engine.workers=1", "jobs.cancel_grace_s=2")
    job_id = begin(served, [60])
    (lost,) = steps_that_run(served, job_id, 1)
    kill(*(seen for seen in jobs_of(served) if seen.job_id == job_id))
    assert end_of(served, job_id, 60)["status"] == "failed"
    assert status_of(served, lost)["status"] == "dismissed"
    assert not jobs_of(served)


def test_a_stop_ends_the_steps_of_a_job_and_the_next_start_begins_anew(serve: Callable) -> None:
    served = serve("engine.workers=1", "engine.close=kill")
    job_id = begin(served, [3])
    (lost,) = steps_that_run(served, job_id, 1)
    served.stop()
    again = serve("engine.workers=1")
    assert end_of(again, job_id, 60)["status"] == "successful"
    assert status_of(again, lost)["status"] == "dismissed"
    assert len(workers_of(again)) == 1
