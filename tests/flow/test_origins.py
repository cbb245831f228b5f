"""Web pages of other origins: what their browsers are told, and what is refused whatever they are told."""

from collections.abc import Iterator

import pytest
from webtest import TestApp, TestResponse

from tests.support.applications import make_service
from tests.support.problems import ECHO, newest, problem
from weaver_like.engines.base import ClosePolicy

LISTED, OTHER = "https://maps.example", "https://evil.example"
BODY = {"inputs": {"message": "x"}}
HEADERS = "content-type, prefer, authorization"


def application(tmp_path_factory: pytest.TempPathFactory, origins: str) -> Iterator[TestApp]:
    folder = tmp_path_factory.mktemp("origins")
    service = make_service(folder, f"security.cors_origins={origins}", "engine.workers=1")
    yield TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    service.stop(ClosePolicy.KILL)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """Two origins are listed; spelt as people do."""
    yield from application(tmp_path_factory, "HTTPS://Maps.example:443/, http://localhost:8080")


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """One origin is listed, and any other may read."""
    yield from application(tmp_path_factory, f"* {LISTED}")


def preflight(app: TestApp, origin: str, method: str = "POST", path: str = ECHO) -> TestResponse:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": HEADERS}
    return app.options(path, headers=asked, status=204)


def words(answer: TestResponse, name: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(name, "").split(",")}


@pytest.mark.parametrize("origin", [LISTED, "http://localhost:8080"])
def test_a_listed_page_executes_and_reads(some: TestApp, origin: str) -> None:
    before = preflight(some, origin)
    assert before.headers["Access-Control-Allow-Origin"] == origin
    assert before.headers["Access-Control-Allow-Credentials"] == "true"
    assert words(before, "Access-Control-Allow-Methods") >= {"post"}
    assert words(before, "Access-Control-Allow-Headers") >= {"content-type", "prefer", "authorization"}
    answer = some.post_json(ECHO, BODY, headers={"Origin": origin, "Prefer": "respond-async"}, status=201)
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert words(answer, "Access-Control-Expose-Headers") >= {
        "location",
        "link",
        "preference-applied",
        "content-disposition",
        "retry-after",
    }


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/processes/nothing", "GET", 404),
        ("/jobs?limit=0", "GET", 400),
        ("/jobs", "DELETE", 405),
        ("/nowhere", "GET", 404),
        ("/jobs/%ff", "GET", 400),
        (ECHO, "POST", 400),
    ],
)
def test_a_listed_page_reads_errors_too(some: TestApp, path: str, method: str, status: int) -> None:
    answer = some.request(path, method=method, headers={"Origin": LISTED}, expect_errors=True)
    problem(answer, status)
    assert answer.headers["Access-Control-Allow-Origin"] == LISTED
    assert "retry-after" in words(answer, "Access-Control-Expose-Headers")


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://maps.example", "https://maps.example.evil.example", "https://maps.example:444"]
)
def test_a_page_that_is_not_listed_changes_nothing_and_reads_nothing(some: TestApp, origin: str) -> None:
    before = newest(some)
    assert "Access-Control-Allow-Origin" not in preflight(some, origin).headers
    refused = some.post_json(ECHO, BODY, headers={"Origin": origin}, expect_errors=True)
    problem(refused, 403)
    for answer in (refused, some.get("/processes", headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert newest(some) == before


def test_caches_tell_origins_apart(some: TestApp) -> None:
    """Also where no origin is given: that answer must not be kept for pages that are listed."""
    for headers in ({}, {"Origin": LISTED}, {"Origin": OTHER}):
        assert words(some.get("/processes", headers=headers), "Vary") == {"accept", "origin"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_any_page_may_read_without_credentials(readers: TestApp, method: str) -> None:
    asked = preflight(readers, OTHER, method, "/jobs")
    answer = readers.request("/processes", method=method, headers={"Origin": OTHER})
    for found in (asked, answer):
        assert found.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in found.headers
    assert words(asked, "Access-Control-Allow-Methods") == {"get", "head"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_any_page_may_only_read(readers: TestApp, method: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(readers, OTHER, method, "/processes/echo").headers
    refused = readers.request("/processes/echo", method=method, headers={"Origin": OTHER}, expect_errors=True)
    problem(refused, 403)


def test_beside_any_page_a_listed_one_executes(readers: TestApp) -> None:
    assert preflight(readers, LISTED).headers["Access-Control-Allow-Origin"] == LISTED
    readers.post_json(ECHO, BODY, headers={"Origin": LISTED}, status=200)


def test_without_the_setting_nothing_is_told(app: TestApp) -> None:
    for answer in (preflight(app, LISTED), app.get("/processes", headers={"Origin": LISTED})):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        assert "origin" not in words(answer, "Vary")
    problem(app.post_json(ECHO, BODY, headers={"Origin": LISTED}, expect_errors=True), 403)
