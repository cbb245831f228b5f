"""Requirements class "json" of both editions: /req/json/definition."""

import pytest
from webtest import TestApp

JSON = {"Accept": "application/json"}


@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/echo", "/jobs", "/api", "/plugins"])
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "application/json",
        "*/*",
        "application/*",
        "application/json, text/html;q=0.9",
        "text/html;q=0.1, application/json",
    ],
)
def test_documents_are_json(app: TestApp, path: str, accept: str | None) -> None:
    """/req/json/definition"""
    answer = app.get(path, headers={"Accept": accept} if accept else {}, status=200)
    assert answer.content_type in ("application/json", "application/vnd.oai.openapi+json")
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize("path", ["", "/inputs", "/outputs", "/logs", "/exceptions", "/statistics", "/results"])
def test_documents_of_a_job_are_json(app: TestApp, successful_job: str, path: str) -> None:
    """/req/json/definition"""
    answer = app.get(f"/jobs/{successful_job}{path}", headers=JSON, status=200)
    assert answer.content_type == "application/json"
    assert isinstance(answer.json, dict)


def test_the_status_of_a_new_job_is_json(app: TestApp) -> None:
    """/req/json/definition: the negotiated execution mode is asynchronous"""
    answer = app.post_json(
        "/processes/greet/execution",
        {"inputs": {"name": "Ada"}},
        headers={"Prefer": "respond-async"} | JSON,
        status=201,
    )
    assert answer.content_type == "application/json"
    assert answer.json["processID"] == "greet"


def test_a_results_document_is_json(app: TestApp) -> None:
    """/req/json/definition: `response` is `document`"""
    answer = app.post_json(
        "/processes/greet/execution", {"inputs": {"name": "Ada"}, "response": "document"}, headers=JSON, status=200
    )
    assert answer.content_type == "application/json"
    assert answer.json == {"greeting": "Hello Ada"}


def test_the_status_of_a_dismissed_job_is_json(app: TestApp, running_job: str) -> None:
    """/req/json/definition"""
    assert app.delete(f"/jobs/{running_job}", headers=JSON, status=200).content_type == "application/json"
