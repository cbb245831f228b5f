"""Bad paths, queries and methods: a clear 4xx."""

import pytest
from webtest import TestApp, TestResponse

from tests.support.client import finished, submit
from tests.support.problems import ECHO, JOB, OF_A_JOB, PAGES, problem
from weaver_like.domain.errors import PART1


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "Echo",
        "echo ",
        "%00",
        "..",
        "%2e%2e",
        "echo%2f",
        "echo;x",
        "'",
        "a" * 5000,
        "%F0%9F%98%80",
        "-",
        "echo%0A",
    ],
)
def test_unknown_processes(app: TestApp, name: str) -> None:
    """/req/core/process-exception-no-such-process"""
    for answer in (
        app.get(f"/processes/{name}", expect_errors=True),
        app.post_json(f"/processes/{name}/execution", {}, expect_errors=True),
    ):
        assert problem(answer, 404)["type"] in (PART1 + "no-such-process", "about:blank")
    assert problem(app.get("/processes/nothing", expect_errors=True), 404)["type"] == PART1 + "no-such-process"


@pytest.mark.parametrize(
    "name",
    [
        "3a6bb5a1-9f5c-4d6c-9a43-9d2b2a4f0c11",
        "1",
        "x",
        "%00",
        "a%00b",
        "'%20or%20'1'='1",
        "a" * 5000,
        "%F0%9F%98%80",
        "%0d%0aX-Evil:1",
        "%2e%2e",
        "*",
        "null",
        "-1",
        "%E2%80%AE",
        "{job}",
    ],
)
@pytest.mark.parametrize("path", OF_A_JOB)
def test_unknown_jobs(app: TestApp, name: str, path: str) -> None:
    """/req/core/job-exception-no-such-job"""
    assert problem(app.get(f"/jobs/{name}{path}", expect_errors=True), 404)["type"] in (
        PART1 + "no-such-job",
        "about:blank",
    )
    if not path:
        assert problem(app.delete(f"/jobs/{name}", expect_errors=True), 404)["type"] in (
            PART1 + "no-such-job",
            "about:blank",
        )


@pytest.mark.parametrize(
    "path",
    [
        "/%ff",
        "/jobs/%ff",
        "/jobs/%ed%a0%80",
        "/processes/%c0%ae",
        "/outputs/%ff/%fe",
        "/jobs/x/results/%ff",
        "/processes/%ff/execution",
    ],
)
def test_paths_that_are_not_utf8(app: TestApp, path: str) -> None:
    problem(app.get(path, expect_errors=True), 400)


@pytest.mark.parametrize("output", ["nothing", "Message", "%00", "a" * 5000, "..", "%2e%2e", "'", "%F0%9F%98%80"])
def test_unknown_outputs(app: TestApp, output: str) -> None:
    """2.0 draft, /req/core/job-result-exception-no-such-output"""
    job = submit(app, "echo", {"message": "x"})
    finished(app, job)
    assert app.get(f"/jobs/{job}/results/{output}", expect_errors=True).status_int in (400, 404)
    problem(app.get(f"/jobs/{job}/results?outputs=nothing", expect_errors=True), 400)


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../",
        "../weaver_like.sqlite",
        "%2e%2e/weaver_like.sqlite",
        "..%2fweaver_like.sqlite",
        "x/../../weaver_like.sqlite",
        "",
        "/",
        "x/..",
        ".",
        "%00",
        "x%00y",
        "a" * 300,
        "a/" * 2000,
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "..%5cx",
        "%F0%9F%98%80",
        "~",
        "CON",
        "%C3%A9" * 200,
    ],
)
def test_files_that_are_none(app: TestApp, path: str) -> None:
    problem(app.get("/outputs/" + path, expect_errors=True), 404)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "query", ["unknown=1", "f=json&f=html", "f=xml", "f=", "f=%", "f=%ff", "=", "%00=1", "f=json&x", "a=1&" * 200]
)
def test_bad_query_parameters(app: TestApp, path: str, query: str) -> None:
    """/req/core/query-param-invalid, -unknown. The whole table is in tests/schemas/test_query.py."""
    answer = app.get(f"{path}?{query}", expect_errors=True)
    assert problem(answer, 400)["type"] == PART1 + "invalid-query-parameter-value"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=abc",
        "limit=1e3",
        "limit=",
        "limit=1_0",
        "limit=%D9%A3",
        "datetime=x",
        "datetime=",
        "cursor=x",
        "cursor=",
        "status=x",
        "type=x",
        "minDuration=x",
        "processID=",
        "limit=1&limit=1",
    ],
)
def test_bad_query_parameters_of_the_job_list(app: TestApp, query: str) -> None:
    answer = app.get(f"/jobs?{query}", expect_errors=True)
    assert problem(answer, 400)["errors"][0]["pointer"] == query.partition("=")[0]


@pytest.mark.parametrize(
    "query",
    [
        "limit=10001",
        "limit=999999999",
        "processID=nothing",
        "processID=" + ",".join(map(str, range(60_000))),
        "processID=%00",
        "cursor=999999999999999999.a",
        "datetime=0001-01-01/9999-12-31",
        "minDuration=999999999",
        "processID='%20or%201=1",
    ],
)
def test_odd_but_good_query_parameters_of_the_job_list(app: TestApp, query: str) -> None:
    assert len(app.get(f"/jobs?{query}").json["jobs"]) <= 10_000


def test_a_page_link_keeps_parameters_in_every_spelling(app: TestApp) -> None:
    for number in range(3):
        submit(app, "greet", {"name": str(number)})
    links = app.get("/jobs?%6Cimit=1&process%49D=greet").json["links"]
    following = next(link["href"] for link in links if link["rel"] == "next")
    assert "limit=1" in following
    assert "processID=greet" in following


#: Path -> what may be done there beside looking.
MORE = {JOB: {"DELETE"}, "/processes": {"POST"}, "/processes/echo": {"PUT", "PATCH", "DELETE"}, "/schedules": {"POST"}}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [*PAGES, *(JOB + path for path in OF_A_JOB), "/outputs/a/b"])
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_other_methods_are_405_with_allow(app: TestApp, method: str, path: str) -> None:
    """RFC 9110 section 15.5.6"""
    if method in MORE.get(path, ()):
        return
    answer = app.request(path, method=method, expect_errors=True)
    problem(answer, 405)
    assert allowed(answer) == {"GET", "HEAD", "OPTIONS", *MORE.get(path, ())}


def allowed(answer: TestResponse) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", [*PAGES, *(JOB + path for path in OF_A_JOB), "/outputs/a/b", "/schedules"])
def test_options_of_a_path_are_its_methods(app: TestApp, path: str) -> None:
    """RFC 9110 section 9.3.7"""
    answer = app.options(path, status=204)
    assert answer.body == b""
    assert allowed(answer) == {"GET", "HEAD", "OPTIONS", *MORE.get(path, ())}


@pytest.mark.parametrize("path", ["/nowhere", "/jobs/x/y/z", "/processes/echo/execution/x", "/api/", "/outputs"])
def test_an_unknown_path_has_no_options(app: TestApp, path: str) -> None:
    problem(app.options(path, expect_errors=True), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_execution_is_post_only(app: TestApp, method: str) -> None:
    for path in (ECHO, "/processes/echo/jobs"):
        answer = app.request(path, method=method, expect_errors=True)
        problem(answer, 405)
        assert allowed(answer) == allowed(app.options(path, status=204)) == {"POST", "OPTIONS"}
