"""Requirements class "core" of 1.0: results of jobs, and what stands in their way."""

import json
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.answers import EXCEPTIONS, Schema, assert_exception, header_links, parse_multipart
from tests.support.client import finished, submit


def ended(app: TestApp, process: str, inputs: dict, **body: object) -> str:
    job_id = submit(app, process, inputs, **body)
    assert finished(app, job_id)["status"] == "successful"
    return job_id


def test_results_are_below_their_job(app: TestApp, successful_job: str) -> None:
    """/req/core/job-results"""
    assert app.get(f"/jobs/{successful_job}/results", status=200).body


def test_document_of_an_asynchronous_job(app: TestApp, schema: Schema) -> None:
    """/req/core/job-results-async-document"""
    outputs = {"message": {"transmissionMode": "value"}, "number": {"transmissionMode": "reference"}}
    job_id = ended(app, "echo", {"message": "m", "number": 1}, response="document", outputs=outputs)
    answer = app.get(f"/jobs/{job_id}/results", status=200)
    assert answer.content_type == "application/json"
    schema("part1-1.0/results").validate(answer.json)
    assert answer.json["message"] == "m"
    assert app.get(answer.json["number"]["href"]).json == 1


def test_mixed_results_of_an_asynchronous_job(app: TestApp) -> None:
    """/req/core/job-results-async-raw-mixed-multi"""
    outputs = {"message": {"transmissionMode": "value"}, "number": {"transmissionMode": "reference"}}
    job_id = ended(app, "echo", {"message": "m", "number": 1}, response="raw", outputs=outputs)
    parts = parse_multipart(app.get(f"/jobs/{job_id}/results", status=200))
    assert parts["message"].get_payload() == "m"
    assert parts["number"].get_payload() == ""
    assert app.get(parts["number"]["Content-Location"]).json == 1


def test_referenced_results_of_an_asynchronous_job(app: TestApp) -> None:
    """/req/core/job-results-async-raw-ref"""
    job_id = ended(
        app, "echo", {"message": "m"}, response="raw", outputs={"message": {"transmissionMode": "reference"}}
    )
    answer = app.get(f"/jobs/{job_id}/results", status=204)
    assert answer.body == b""
    (hrefs,) = [found for rel, found in header_links(answer).items() if rel.endswith("results")]
    assert [app.get(href).text for href in hrefs] == ["m"]


def test_several_results_of_an_asynchronous_job(app: TestApp) -> None:
    """/req/core/job-results-async-raw-value-multi"""
    outputs = {name: {"transmissionMode": "value"} for name in ("message", "list")}
    job_id = ended(app, "echo", {"message": "m", "list": [3]}, response="raw", outputs=outputs)
    parts = parse_multipart(app.get(f"/jobs/{job_id}/results", status=200))
    assert parts["message"].get_payload() == "m"
    assert json.loads(parts["list"].get_payload()) == [3]


def test_one_result_of_an_asynchronous_job(app: TestApp) -> None:
    """/req/core/job-results-async-raw-value-one"""
    job_id = ended(app, "greet", {"name": "Ada"}, response="raw", outputs={"greeting": {"transmissionMode": "value"}})
    answer = app.get(f"/jobs/{job_id}/results", status=200)
    assert (answer.content_type, answer.text) == ("text/plain", "Hello Ada")


@pytest.mark.parametrize("path", ["", "/output"])
def test_results_of_a_running_job_answer_404_result_not_ready(
    app: TestApp, schema: Schema, running_job: str, path: str
) -> None:
    """/req/core/job-results-exception/results-not-ready"""
    assert_exception(app.get(f"/jobs/{running_job}/results{path}", status=404), schema, 404, "result-not-ready")


def test_results_of_a_waiting_job_answer_404_result_not_ready(queue: TestApp, schema: Schema) -> None:
    """/req/core/job-results-exception/results-not-ready"""
    jobs = [submit(queue, "sleep", {"delay": 30}) for _ in range(2)]
    assert queue.get(f"/jobs/{jobs[1]}").json["status"] == "accepted"
    assert_exception(queue.get(f"/jobs/{jobs[1]}/results", status=404), schema, 404, "result-not-ready")
    for job_id in reversed(jobs):
        queue.delete(f"/jobs/{job_id}")


def test_results_of_a_failed_job_answer_why_it_failed(app: TestApp, schema: Schema, failed_job: str) -> None:
    """/req/core/job-results-failed: status and exception of the reason"""
    answer = app.get(f"/jobs/{failed_job}/results", status=500)
    assert_exception(answer, schema, 500)
    assert "nothing works" in answer.json["detail"]


def test_a_failed_synchronous_execution_answers_why_it_failed(app: TestApp, schema: Schema) -> None:
    """/req/core/job-results-failed"""
    answer = app.post_json("/processes/fail/execution", {"inputs": {"message": "nothing works"}}, status=500)
    assert_exception(answer, schema, 500)
    assert "nothing works" in answer.json["detail"]


def test_the_exception_tells_the_reason_of_the_failure(
    app: TestApp, failed_job: str, site: ThreadingHTTPServer
) -> None:
    """/req/core/job-results-failed: what the input held is the client's to repair
    (400), the failure of the process is not (500)"""
    site.pages = {"/value": (200, {"Content-Type": "application/json"}, b'"text"')}
    job_id = submit(app, "echo", {"message": "m", "number": {"href": f"{site.url}/value"}})
    assert finished(app, job_id)["status"] == "failed"
    invalid = app.get(f"/jobs/{job_id}/results", status=400).json
    failed = app.get(f"/jobs/{failed_job}/results", status=500).json
    assert invalid["title"] == "Invalid request"
    assert [fault["pointer"] for fault in invalid["errors"]] == ["/inputs/number"]
    assert failed["title"] == "Execution failed"


def test_results_of_a_dismissed_job_answer_404(app: TestApp, schema: Schema, dismissed_job: str) -> None:
    """2.0 /req/core/job-results-exception/results-not-available"""
    assert_exception(app.get(f"/jobs/{dismissed_job}/results", status=404), schema, 404, "result-not-available")


@pytest.mark.parametrize("prefer", ["wait=10", "return=representation"])
def test_a_synchronous_answer_links_to_its_job(app: TestApp, schema: Schema, prefer: str) -> None:
    """/req/core/job-results-success-sync: a Link header rel=monitor; 2.0: it leads to the status as JSON"""
    answer = app.post_json(
        "/processes/greet/execution", {"inputs": {"name": "Ada"}}, headers={"Prefer": prefer}, status=200
    )
    (href,) = header_links(answer)["monitor"]
    status = app.get(href, status=200)
    assert status.content_type == "application/json"
    schema("part1-1.0/statusInfo").validate(status.json)
    assert status.json["status"] == "successful"


def test_with_the_setting_every_synchronous_answer_links_to_its_job(make_app: object) -> None:
    """/req/core/job-results-success-sync; by default only answers to requests
    with Prefer do: the official suite misreads the header"""
    app = make_app("server.monitor_link=always")
    for body in (
        {"inputs": {"name": "Ada"}},
        {"inputs": {"name": "Ada"}, "response": "document"},
        {"inputs": {"name": "Ada"}, "outputs": {}},
    ):
        answer = app.post_json("/processes/greet/execution", body)
        (href,) = header_links(answer)["monitor"]
        assert app.get(href, status=200).json["processID"] == "greet"


def test_exception_types_have_the_scheme_of_the_standard(app: TestApp) -> None:
    """/req/core/job-results-exception/no-such-job: the URI begins with http, not https"""
    assert app.get("/jobs/nope/results", status=404).json["type"] == EXCEPTIONS + "no-such-job"
    assert EXCEPTIONS.startswith("http://")
