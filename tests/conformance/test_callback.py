"""Requirements class "callback" of both editions; messages go to a real server."""

import json
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.answers import Schema, assert_exception
from tests.support.client import finished, submit
from tests.support.waiting import wait_until


def messages(site: ThreadingHTTPServer, count: int) -> list[tuple[str, dict, object]]:
    """Path, headers and JSON of the messages, once so many have come."""
    wait_until(lambda: len(site.received) >= count, what=f"{count} messages")
    return [(path, headers, json.loads(body)) for path, headers, body, _ in site.received]


def subscriber(site: ThreadingHTTPServer, *kinds: str) -> dict:
    return {f"{kind}Uri": f"{site.url}/{kind}" for kind in kinds or ("success", "inProgress", "failed")}


def test_success_is_told_with_the_results(app: TestApp, schema: Schema, site: ThreadingHTTPServer) -> None:
    """/req/callback/job-callback: successUri gets results.yaml"""
    job_id = submit(
        app, "echo", {"message": "m", "number": 1.5, "bbox": {"bbox": [1, 2, 3, 4]}}, subscriber=subscriber(site)
    )
    finished(app, job_id)
    told = {path: (headers, document) for path, headers, document in messages(site, 2)}
    headers, results = told["/success"]
    schema("part1-1.0/results").validate(results)
    assert headers["Content-Type"].startswith("application/json")
    assert results == {"message": "m", "number": 1.5, "bbox": {"bbox": [1, 2, 3, 4]}}
    assert "/failed" not in told


def test_the_start_is_told_with_the_status(app: TestApp, schema: Schema, site: ThreadingHTTPServer) -> None:
    """/req/callback/job-callback: inProgressUri gets statusInfo.yaml"""
    job_id = submit(app, "sleep", {"delay": 0.5}, subscriber=subscriber(site))
    path, _, status = messages(site, 1)[0]
    assert path == "/inProgress"
    for edition in ("part1-1.0", "part1-2.0-draft"):
        schema(f"{edition}/statusInfo").validate(status)
    assert (status["jobID"], status["status"]) == (job_id, "running")


def test_failure_is_told_with_the_status(app: TestApp, schema: Schema, site: ThreadingHTTPServer) -> None:
    """/req/callback/job-callback: failedUri gets statusInfo.yaml"""
    job_id = submit(app, "fail", {"message": "nothing works"}, subscriber=subscriber(site, "success", "failed"))
    path, _, status = messages(site, 1)[0]
    assert path == "/failed"
    schema("part1-1.0/statusInfo").validate(status)
    assert (status["jobID"], status["status"]) == (job_id, "failed")
    assert "nothing works" in status["message"]


def test_links_of_a_message_lead_to_the_server(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/callback/job-callback: the URL is the one that the job was submitted to"""
    job_id = submit(
        app,
        "echo",
        {"message": "m"},
        subscriber=subscriber(site, "success"),
        outputs={"message": {"transmissionMode": "reference"}},
    )
    finished(app, job_id)
    ((_, _, results),) = messages(site, 1)
    assert app.get(results["message"]["href"], status=200).text == "m"


@pytest.mark.parametrize("kinds", [["success"], ["failed"], ["inProgress"]])
def test_every_uri_is_optional(app: TestApp, site: ThreadingHTTPServer, kinds: list[str]) -> None:
    """2.0 /req/callback/job-callback B: zero or more of the three; successUri alone is 1.0"""
    job_id = submit(
        app,
        "fail" if kinds == ["failed"] else "greet",
        {} if kinds == ["failed"] else {"name": "Ada"},
        subscriber=subscriber(site, *kinds),
    )
    finished(app, job_id)
    assert [path for path, _, _ in messages(site, 1)] == [f"/{kinds[0]}"]


def test_an_empty_subscriber_is_none(app: TestApp) -> None:
    """2.0 /req/callback/job-callback B: zero"""
    assert finished(app, submit(app, "greet", {"name": "Ada"}, subscriber={}))["status"] == "successful"


def test_a_synchronous_execution_tells_its_subscriber_too(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/callback/job-callback: for jobs, whatever the mode"""
    app.post_json(
        "/processes/greet/execution", {"inputs": {"name": "Ada"}, "subscriber": subscriber(site, "success")}, status=200
    )
    assert messages(site, 1)[0][2] == {"greeting": "Hello Ada"}


def test_a_subscriber_that_is_down_is_told_again(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/callback/job-callback: a message is not lost when the subscriber answers 503"""
    site.answers = [503]
    submit(app, "greet", {"name": "Ada"}, subscriber=subscriber(site, "success"))
    assert [document for _, _, document in messages(site, 2)] == [{"greeting": "Hello Ada"}] * 2


@pytest.mark.parametrize(
    "given",
    [
        {"successUri": "no uri"},
        {"successUri": 1},
        {"doneUri": "http://127.0.0.1/"},
        "http://127.0.0.1/",
        {"successUri": "ftp://127.0.0.1/x"},
    ],
)
def test_a_bad_subscriber_answers_400(app: TestApp, schema: Schema, given: object) -> None:
    """/req/callback/job-callback; 2.0 part C: subscriber.yaml"""
    assert_exception(
        app.post_json("/processes/greet/execution", {"inputs": {"name": "Ada"}, "subscriber": given}, status=400),
        schema,
        400,
    )
