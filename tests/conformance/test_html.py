"""Requirements class "html" of both editions: every document is also a page that says and links the same."""

import json

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.pages import HTML, assert_says_the_same, page_of

PATHS = [
    "/",
    "/conformance",
    "/processes",
    "/processes?limit=2",
    "/processes/echo",
    "/processes/geo-echo",
    "/jobs",
    "/plugins",
]
JOB_PATHS = ["", "/inputs", "/outputs", "/logs", "/exceptions", "/statistics"]


@pytest.mark.parametrize("path", PATHS)
def test_every_document_is_a_page(app: TestApp, path: str) -> None:
    """/req/html/definition, /req/html/content"""
    page_of(app.get(path, headers=HTML, status=200))
    answer = app.get(f"{path}{'&' if '?' in path else '?'}f=html", status=200)
    assert_says_the_same(page_of(answer), app.get(path).json)


@pytest.mark.parametrize("path", JOB_PATHS)
@pytest.mark.parametrize("job", ["successful", "failed"])
def test_every_document_of_a_job_is_a_page(app: TestApp, request: pytest.FixtureRequest, job: str, path: str) -> None:
    """/req/html/definition, /req/html/content"""
    job_id = request.getfixturevalue(f"{job}_job")
    status = 500 if (job, path) == ("failed", "/outputs") else 200
    body = page_of(app.get(f"/jobs/{job_id}{path}", headers=HTML, status=status))
    assert_says_the_same(body, app.get(f"/jobs/{job_id}{path}", status=status).json)


def test_results_are_a_page(app: TestApp, successful_job: str) -> None:
    """/req/html/definition, /req/html/content: values, and a link to each"""
    body = page_of(app.get(f"/jobs/{successful_job}/results", headers=HTML, status=200))
    shown = body.text_content()
    anchors = {anchor.get("href") for anchor in body.iter("a")}
    for name, value in {"message": "héllo", "number": 1.5, "flag": False}.items():
        assert (value if isinstance(value, str) else json.dumps(value)) in shown
        assert f"http://localhost/jobs/{successful_job}/results/{name}" in anchors
    assert (
        "héllo" in page_of(app.get(f"/jobs/{successful_job}/results/message", headers=HTML, status=200)).text_content()
    )


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}])
def test_an_execution_answers_with_a_page(app: TestApp, headers: dict) -> None:
    """/req/html/definition: every operation"""
    answer = app.post_json(
        "/processes/greet/execution",
        {"inputs": {"name": "Ada"}},
        headers=HTML | headers,
        status=201 if headers else 200,
    )
    assert ("greet" if headers else "Hello Ada") in page_of(answer).text_content()


def test_dismissing_answers_with_a_page(app: TestApp, running_job: str) -> None:
    """/req/html/definition: every operation"""
    assert "dismissed" in page_of(app.delete(f"/jobs/{running_job}", headers=HTML, status=200)).text_content()


def test_the_api_definition_is_a_page(app: TestApp) -> None:
    """/req/html/definition, /req/oas30/oas-definition-1: every operation with its summary and its answers"""
    body = page_of(app.get("/api", headers=HTML, status=200))
    shown = " ".join(body.text_content().split())
    for path, methods in app.get("/api?f=json").json["paths"].items():
        assert path in shown, path
        for operation in methods.values():
            assert operation["summary"] in shown


@pytest.mark.parametrize("path", ["/processes/nope", "/jobs/nope", "/nope", "/jobs?limit=0"])
def test_an_error_is_a_page_for_browsers(app: TestApp, path: str) -> None:
    """/req/html/content, for readers of errors"""
    told = app.get(path, status="*").json
    body = page_of(app.get(path, headers=HTML, status=told["status"]))
    assert told["detail"] in " ".join(body.text_content().split())


def test_text_of_a_client_is_no_markup(app: TestApp) -> None:
    """/req/html/content: what a client wrote is shown, not run"""
    text = "<script>alert(1)</script>\"'&amp;"
    job_id = submit(app, "greet", {"name": text}, title=text)
    finished(app, job_id)
    for path in ("", "/inputs", "/results", "/results/greeting"):
        answer = app.get(f"/jobs/{job_id}{path}", headers=HTML, status=200)
        assert "<script>alert" not in answer.text
        assert text in page_of(answer).text_content()


@pytest.mark.parametrize("path", ["/", "/processes", "/processes/echo", "/jobs"])
def test_the_links_of_a_page_are_those_of_a_page(app: TestApp, path: str) -> None:
    """/req/core/pl-links, /req/job-list/links, 2.0 /req/ogc-process-description/links: also the 200-response in HTML
    links to itself (self: text/html) and to the other form (alternate: application/json)"""
    links = page_of(app.get(path, headers=HTML, status=200)).xpath(
        ".//main/dl/dt[text()='links']/following-sibling::dd[1]//tr"
    )
    texts = [[cell.text_content().strip() for cell in row] for row in links]
    assert any({"self", "text/html"} <= set(text) for text in texts)
    assert any({"alternate", "application/json"} <= set(text) for text in texts)


@pytest.mark.parametrize("path", PATHS)
def test_links_within_a_page_lead_somewhere(app: TestApp, path: str) -> None:
    """/req/html/content: links of a page work"""
    if path == "/jobs":  # those of other tests may have no results, to which the link leads
        finished(app, submit(app, "greet", {"name": "x"}))
        path = "/jobs?limit=1"
    body = page_of(app.get(path, headers=HTML, status=200))
    for href in {anchor.get("href") for anchor in body.iter("a")}:
        if href.startswith("http://localhost/") and not href.endswith("/execution"):
            assert app.get(href).status_int in (200, 204), href
