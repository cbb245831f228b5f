"""Requirements class "dismiss" of both editions."""

import pytest
from webtest import TestApp

from tests.support.answers import EDITIONS, Schema, assert_exception
from tests.support.client import finished, submit
from tests.support.waiting import wait_until


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_running_job_is_dismissed(app: TestApp, schema: Schema, running_job: str, edition: str) -> None:
    """/req/dismiss/job-dismiss-op, /req/dismiss/job-dismiss-success; 2.0 /req/dismiss/job-dismiss-status A"""
    answer = app.delete(f"/jobs/{running_job}", status=200)
    schema(f"{edition}/statusInfo").validate(answer.json)
    assert (answer.json["jobID"], answer.json["status"]) == (running_job, "dismissed")
    assert app.get(f"/jobs/{running_job}", status=200).json["status"] == "dismissed"


def test_a_dismissed_job_stays_dismissed_and_its_worker_goes_on(queue: TestApp) -> None:
    """/req/dismiss/job-dismiss-success: what ran has ended, so the only worker takes the next job"""
    first = submit(queue, "sleep", {"delay": 60})
    second = submit(queue, "greet", {"name": "Ada"})
    wait_until(lambda: queue.get(f"/jobs/{first}").json["status"] == "running", what="the start of the job")
    queue.delete(f"/jobs/{first}", status=200)
    assert finished(queue, second, 10)["status"] == "successful"
    assert queue.get(f"/jobs/{first}").json["status"] == "dismissed"


def test_a_waiting_job_is_dismissed_and_never_starts(queue: TestApp) -> None:
    """2.0 /req/dismiss/job-dismiss-status A: accepted"""
    first, second = submit(queue, "sleep", {"delay": 60}), submit(queue, "sleep", {"delay": 60})
    assert queue.delete(f"/jobs/{second}", status=200).json["status"] == "dismissed"
    queue.delete(f"/jobs/{first}", status=200)
    third = submit(queue, "greet", {"name": "Ada"})
    assert finished(queue, third)["status"] == "successful"
    status = queue.get(f"/jobs/{second}").json
    assert status["status"] == "dismissed"
    assert "started" not in status


@pytest.mark.parametrize("process", ["greet", "fail"])
def test_a_finished_job_is_removed(app: TestApp, schema: Schema, process: str) -> None:
    """2.0 /req/dismiss/job-dismiss-status B; 1.0 /req/dismiss/job-dismiss-success: the answer says dismissed"""
    job_id = submit(app, process, {"name": "Ada"} if process == "greet" else {})
    finished(app, job_id)
    answer = app.delete(f"/jobs/{job_id}", status=200)
    schema("part1-1.0/statusInfo").validate(answer.json)
    assert answer.json["status"] == "dismissed"
    for path in ("", "/results", "/logs", "/inputs"):
        assert_exception(app.get(f"/jobs/{job_id}{path}", status=404), schema, 404, "no-such-job")
    assert job_id not in [job["jobID"] for job in app.get("/jobs?limit=1000").json["jobs"]]


def test_result_files_of_a_removed_job_are_gone(app: TestApp) -> None:
    """2.0 /req/dismiss/job-dismiss-status B, note: the standard leaves artifacts to the server; here they go too"""
    job_id = submit(
        app,
        "echo-complex",
        {"complexInput": "text"},
        response="document",
        outputs={"complexOutput": {"transmissionMode": "reference"}},
    )
    finished(app, job_id)
    href = app.get(f"/jobs/{job_id}/results").json["complexOutput"]["href"]
    assert app.get(href, status=200).text == "text"
    app.delete(f"/jobs/{job_id}", status=200)
    app.get(href, status=404)


def test_a_dismissed_job_is_removed_by_a_second_delete(app: TestApp, schema: Schema) -> None:
    """2.0 /req/dismiss/job-dismiss-status B: dismissed"""
    job_id = submit(app, "sleep", {"delay": 30})
    assert app.delete(f"/jobs/{job_id}", status=200).json["status"] == "dismissed"
    assert app.delete(f"/jobs/{job_id}", status=200).json["status"] == "dismissed"
    assert_exception(app.delete(f"/jobs/{job_id}", status=404), schema, 404, "no-such-job")


def test_dismissing_an_unknown_job_answers_404(app: TestApp, schema: Schema) -> None:
    """/req/core/job-exception-no-such-job"""
    assert_exception(app.delete("/jobs/nope", status=404), schema, 404, "no-such-job")


def test_processes_offer_dismiss(app: TestApp) -> None:
    """/req/dismiss/job-dismiss-op: jobControlOptions says so"""
    for process in app.get("/processes").json["processes"]:
        assert "dismiss" in process["jobControlOptions"], process["id"]
