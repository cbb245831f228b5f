"""Headers that ask for what cannot be had, or say nothing that has a meaning."""

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.problems import ECHO, PAGES, newest, problem


@pytest.mark.parametrize(
    "accept", ["image/png", "application/json;q=0", "text/*;q=0, image/*", "application/xml", "*/*;q=0"]
)
def test_an_accept_that_nobody_can_satisfy_is_406(app: TestApp, accept: str) -> None:
    """RFC 9110 section 15.5.7"""
    job = submit(app, "echo", {"message": "x"}, response="document")
    finished(app, job)
    for path in [
        *PAGES,
        *(
            f"/jobs/{job}{path}"
            for path in ("", "/inputs", "/outputs", "/logs", "/exceptions", "/statistics", "/results/message")
        ),
    ]:
        problem(app.get(path, headers={"Accept": accept}, expect_errors=True), 406)


def test_an_execute_request_whose_answer_is_not_acceptable_leaves_no_job(app: TestApp) -> None:
    """Else a job would run whose id its sender never hears."""
    before = newest(app)
    for prefer in ("respond-async", "wait=0"):
        answer = app.post_json(
            ECHO, {"inputs": {"message": "x"}}, headers={"Accept": "image/png", "Prefer": prefer}, expect_errors=True
        )
        problem(answer, 406)
    assert newest(app) == before


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/json"),
        ("application/json, */*", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("application/problem+json, application/json", "application/problem+json"),
        ("text/html", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("image/png", "application/problem+json"),
        ("nonsense", "application/problem+json"),
        (";;,,/", "application/problem+json"),
        ("", "application/problem+json"),
        ("\xff", "application/problem+json"),
        ("application/json;q=0.1", "application/json"),
        ("text/html;q=0.1, application/json", "application/json"),
        ("a/b," * 5000, "application/problem+json"),
    ],
)
def test_the_media_type_of_an_error(app: TestApp, accept: str | None, wanted: str) -> None:
    for path, status in (("/jobs/nothing", 404), ("/nothing", 404), ("/jobs?limit=0", 400)):
        answer = app.get(path, headers={} if accept is None else {"Accept": accept}, expect_errors=True)
        assert (answer.status_int, answer.content_type) == (status, wanted)


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": '"'},
        {"Prefer": ";;;"},
        {"Prefer": "wait=x, return=y, handling=z"},
        {"Prefer": "wait=-1"},
        {"Prefer": "\xff"},
        {"Prefer": "wait=" + "9" * 5000},
        {"Accept-Language": "nonsense"},
        {"Accept-Encoding": "x;q=z"},
        {"Accept-Charset": "utf-7"},
        {"If-Match": '"x"'},
        {"If-Modified-Since": "x"},
        {"Range": "x"},
        {"Cookie": "=;=;\xff"},
        {"Authorization": "Basic !!!"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_odd_headers_do_no_harm(app: TestApp, headers: dict) -> None:
    answer = app.post_json(ECHO, {"inputs": {"message": "x"}}, headers=headers, expect_errors=True)
    assert answer.status_int < 500


def test_strict_preferences_that_cannot_be_honoured_leave_no_job(app: TestApp) -> None:
    """RFC 7240 section 4.4"""
    before = newest(app)
    problem(
        app.post_json(
            ECHO, {"inputs": {"message": "x"}}, headers={"Prefer": "handling=strict, wait=99999"}, expect_errors=True
        ),
        400,
    )
    assert newest(app) == before


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://[bad",
        "http://localhost.evil.example",
        "x",
        "http://[::1",
        "\xff",
        "http://localhost:99999999",
    ],
)
def test_pages_of_others_change_nothing(app: TestApp, origin: str) -> None:
    before = newest(app)
    problem(app.post_json(ECHO, {"inputs": {"message": "x"}}, headers={"Origin": origin}, expect_errors=True), 403)
    assert newest(app) == before


@pytest.mark.parametrize(
    ("name", "value", "statuses"),
    [
        ("Range", "bytes=0-" + "9" * 5000, {200, 206}),
        ("Range", "bytes=" + "9" * 5000 + "-", {200, 416}),
        ("Range", "bytes=-" + "9" * 5000, {200, 206}),
        ("Range", "bytes=5-", {416}),
        ("Range", "bytes=3-1", {200, 416}),
        ("Range", "bytes=-0", {416}),
        ("Range", "bytes=-", {200}),
        ("Range", "lines=0-1", {200}),
        ("Range", "bytes=0-1,3-4", {200, 206}),
        ("Range", "bytes=a-b", {200}),
        ("Range", "bytes=-1", {206}),
        ("Range", "bytes=0-0", {206}),
        ("Range", "", {200}),
        ("If-Modified-Since", "x", {200}),
        ("If-Modified-Since", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", {200}),
        ("If-Modified-Since", "\xff", {200}),
        ("If-Modified-Since", "Mon, 01 Jan 0001 00:00:00 GMT", {200}),
        ("If-Modified-Since", "Mon, 01 Jan 2020 00:00:00 +99999999999999999999", {200}),
        ("If-Modified-Since", "Fri, 31 Dec 9999 23:59:59 -2359", {200, 304}),
        ("If-None-Match", "*", {304}),
        ("If-None-Match", ',,"', {200}),
        ("If-None-Match", "\xff", {200}),
    ],
)
def test_odd_conditions_on_a_file(app: TestApp, name: str, value: str, statuses: set[int]) -> None:
    """RFC 9110 sections 13 and 14: what is not understood is ignored."""
    job = submit(app, "echo-complex", {"complexInput": "hello"})
    assert finished(app, job)["status"] == "successful"
    for path in (app.get(f"/jobs/{job}/outputs").json["outputs"][0]["href"], f"/jobs/{job}/results/complexOutput"):
        answer = app.get(path, headers={name: value}, expect_errors=True)
        assert answer.status_int in statuses
        assert answer.status_int != 206 or b"hello".find(answer.body) >= 0
