"""Problem documents, and requests that must be refused."""

import json

from webtest import TestApp, TestResponse

from weaver_like.domain.errors import EXCEPTIONS

ECHO, COMPLEX = "/processes/echo/execution", "/processes/echo-complex/execution"
JOB = "/jobs/3a6bb5a1-9f5c-4d6c-9a43-9d2b2a4f0c11"
PAGES = ["/", "/conformance", "/api", "/plugins", "/processes", "/processes/echo", "/jobs"]
OF_A_JOB = ["", "/results", "/results/message", "/inputs", "/outputs", "/logs", "/events", "/exceptions", "/statistics"]


def problem(answer: TestResponse, status: int, media_type: str = "application/problem+json") -> dict:
    """The problem document of an answer that must be one."""
    assert answer.status_int == status, answer.text[:500]
    assert answer.content_type == media_type
    document = json.loads(answer.body)
    assert document["status"] == status
    assert document["type"] == "about:blank" or document["type"].startswith(EXCEPTIONS)
    assert document["title"]
    assert document["detail"].strip()
    assert all(set(fault) == {"pointer", "detail"} for fault in document.get("errors", []))
    return document


def newest(app: TestApp) -> list:
    return [job["jobID"] for job in app.get("/jobs?limit=1").json["jobs"]]
