"""Requirements class "job-list" of both editions."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from webtest import TestApp

from tests.support.answers import (
    EDITIONS,
    REL,
    Schema,
    assert_exception,
    assert_limit_parameter,
    assert_list_parameter,
    hrefs_of,
    links_of,
    query_parameter,
)
from tests.support.applications import make_service
from tests.support.client import finished, submit
from tests.support.waiting import wait_until
from weaver_like.engines.base import ClosePolicy


class Listed:
    """An application with one job of every kind. Names of jobs, oldest first."""

    NAMES = ("quick", "slow", "failed", "dismissed", "running", "waiting")

    def __init__(self, app: TestApp):
        self.app = app
        self.ids: dict[str, str] = {"quick": submit(app, "echo", {"message": "m"})}
        self.ids["slow"] = submit(app, "sleep", {"delay": 1.1})
        self.ids["failed"] = submit(app, "fail")
        self.ids["dismissed"] = submit(app, "sleep", {"delay": 30})
        app.delete(f"/jobs/{self.ids['dismissed']}")
        finished(app, self.ids["failed"])
        self.ids["running"] = submit(app, "sleep", {"delay": 60})
        self.ids["waiting"] = submit(app, "sleep", {"delay": 60})
        wait_until(lambda: self.status("running")["status"] == "running", what="the start of the job")

    def status(self, name: str) -> dict:
        return self.app.get(f"/jobs/{self.ids[name]}").json

    def find(self, query: str) -> list[str]:
        """Names of the jobs that the query finds, in the order of the list."""
        names = {job_id: name for name, job_id in self.ids.items()}
        return [names[job["jobID"]] for job in self.app.get(f"/jobs?limit=100&{query}", status=200).json["jobs"]]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    service = make_service(tmp_path_factory.mktemp("listed"), "engine.workers=1")
    yield Listed(TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"}))
    service.stop(ClosePolicy.KILL)


def moved(moment: str, seconds: float) -> str:
    return quote((datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat())


@pytest.mark.parametrize("edition", EDITIONS)
def test_jobs_are_listed(listed: Listed, schema: Schema, edition: str) -> None:
    """/req/job-list/job-list-op, /req/job-list/job-list-success"""
    answer = listed.app.get("/jobs", status=200)
    schema(f"{edition}/jobList").validate(answer.json)
    assert {job["jobID"] for job in answer.json["jobs"]} == set(listed.ids.values())


def test_the_landing_page_links_to_the_jobs(listed: Listed) -> None:
    """2.0 /rec/job-list/job-list-landing-page"""
    assert hrefs_of(listed.app.get("/").json, REL + "job-list") == ["http://localhost/jobs"]


def test_every_job_names_its_process(listed: Listed) -> None:
    """/req/job-list/processID-mandatory: in the list, and in each status"""
    for job in listed.app.get("/jobs").json["jobs"]:
        assert job["processID"] in ("echo", "sleep", "fail")
        assert listed.app.get(f"/jobs/{job['jobID']}").json["processID"] == job["processID"]


@pytest.mark.parametrize("name", ["processID", "status", "type"])
def test_filters_are_defined_as_lists(app: TestApp, name: str) -> None:
    """/req/job-list/processID-definition, /req/job-list/status-definition, /req/job-list/type-definition: no
    `explode: false`, so the default of OpenAPI"""
    assert_list_parameter(query_parameter(app, "/jobs", name), explode=True)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("processID=echo&processID=fail", ["failed", "quick"]),
        ("processID=echo,fail", ["failed", "quick"]),
        ("processID=echo&processID=sleep,fail&status=failed&status=running", ["running", "failed"]),
        ("type=process&type=process&processID=echo", ["quick"]),
        ("minDuration=1&minDuration=50&processID=echo&processID=sleep&status=successful", ["slow"]),
    ],
)
def test_several_values_come_in_one_parameter_or_in_several(listed: Listed, query: str, names: list[str]) -> None:
    """/req/job-list/processID-response and its like; both forms of OpenAPI (explode true and false)"""
    assert listed.find(query) == names


def test_the_next_page_of_several_values_has_them_all(listed: Listed) -> None:
    following = listed.app.get("/jobs?processID=echo&processID=fail&limit=1").json
    (href,) = hrefs_of(following, "next")
    assert [job["jobID"] for job in listed.app.get(href).json["jobs"]] == [listed.ids["quick"]]


@pytest.mark.parametrize("query", ["status=failed&status=done", "processID=echo&processID=", "processID=&processID=a"])
def test_one_bad_value_of_several_is_refused(app: TestApp, schema: Schema, query: str) -> None:
    answer = app.get(f"/jobs?{query}", expect_errors=True)
    assert_exception(answer, schema, 400, "invalid-query-parameter-value")


def test_datetime_is_defined(app: TestApp) -> None:
    """/req/job-list/datetime-definition"""
    assert query_parameter(app, "/jobs", "datetime")["schema"]["type"] == "string"


@pytest.mark.parametrize("name", ["minDuration", "maxDuration"])
def test_durations_are_defined(app: TestApp, name: str) -> None:
    """/req/job-list/duration-definition: an array of integers in 1.0, which also takes the single integer of 2.0"""
    assert_list_parameter(query_parameter(app, "/jobs", name), "integer")
    app.get(f"/jobs?{name}=5", status=200)
    app.get(f"/jobs?{name}=5,10", status=200)


def test_the_limit_is_defined(app: TestApp) -> None:
    """/req/job-list/limit-definition"""
    assert_limit_parameter(query_parameter(app, "/jobs", "limit"))


def test_there_are_no_more_jobs_than_the_limit(listed: Listed) -> None:
    """/req/job-list/limit-response"""
    for limit in (1, 3, 5):
        assert len(listed.app.get(f"/jobs?limit={limit}").json["jobs"]) == limit
    assert len(listed.app.get("/jobs?limit=10001", status=200).json["jobs"]) == len(listed.NAMES)


def test_the_default_limit_is_ten(app: TestApp) -> None:
    """/req/job-list/limit-definition, /req/job-list/limit-response"""
    for _ in range(11):
        app.post_json("/processes/greet/execution", {"inputs": {"name": "Ada"}})
    assert len(app.get("/jobs").json["jobs"]) == 10


def test_the_default_limit_is_a_setting(make_app: Callable) -> None:
    """Clients that do not page see what the operator wants them to see."""
    app = make_app("server.page_size=3")
    for _ in range(4):
        app.post_json("/processes/greet/execution", {"inputs": {"name": "Ada"}})
    assert len(app.get("/jobs").json["jobs"]) == 3
    for path in ("/jobs", "/schedules"):
        assert query_parameter(app, path, "limit")["schema"]["default"] == 3


def test_pages_show_every_job_once(listed: Listed) -> None:
    """2.0 /rec/job-list/next-1, next-2, next-3"""
    pages = [listed.app.get("/jobs?limit=2&type=process").json]
    while following := hrefs_of(pages[-1], "next"):
        pages.append(listed.app.get(following[0]).json)
    assert [len(page["jobs"]) for page in pages] == [2, 2, 2]
    shown = [job["jobID"] for page in pages for job in page["jobs"]]
    assert shown == [listed.ids[name] for name in reversed(listed.NAMES)]


@pytest.mark.parametrize("query", ["", "?limit=2", "?processID=sleep&status=running,failed"])
def test_the_list_links_to_itself_and_its_page(listed: Listed, query: str) -> None:
    """/req/job-list/links"""
    found = listed.app.get(f"/jobs{query}").json
    (here,) = hrefs_of(found, "self")
    assert [job["jobID"] for job in listed.app.get(here).json["jobs"]] == [job["jobID"] for job in found["jobs"]]
    assert [link["type"] for link in links_of(found, "alternate")] == ["text/html"]
    assert listed.app.get(hrefs_of(found, "alternate")[0], status=200).content_type == "text/html"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("processID=echo", ["quick"]),
        ("processID=fail,echo", ["failed", "quick"]),
        ("processID=nope", []),
        ("processID=sleep", ["waiting", "running", "dismissed", "slow"]),
    ],
)
def test_jobs_of_processes(listed: Listed, query: str, names: list[str]) -> None:
    """/req/job-list/processid-response"""
    assert listed.find(query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=successful", ["slow", "quick"]),
        ("status=failed,dismissed", ["dismissed", "failed"]),
        ("status=accepted", ["waiting"]),
        ("status=running", ["running"]),
        ("status=successful&processID=sleep", ["slow"]),
    ],
)
def test_jobs_of_a_status(listed: Listed, query: str, names: list[str]) -> None:
    """/req/job-list/status-response"""
    assert listed.find(query) == sorted(names, key=listed.NAMES.index, reverse=True)


def test_jobs_of_a_type(listed: Listed) -> None:
    """/req/job-list/type-response: `process` and nothing give all jobs of this server"""
    assert listed.find("type=process") == listed.find("") == list(reversed(listed.NAMES))


def test_jobs_created_at_a_time(listed: Listed) -> None:
    """/req/job-list/datetime-response: closed, half-open and instant"""
    created = listed.status("failed")["created"]
    around = f"{moved(created, -0.001)}/{moved(created, 0.001)}"
    assert "failed" in listed.find(f"datetime={around}")
    before, after = (
        listed.find(f"datetime=../{moved(created, 0.001)}"),
        listed.find(f"datetime={moved(created, -0.001)}/.."),
    )
    assert "quick" in before
    assert "failed" in before
    assert "waiting" not in before
    assert "failed" in after
    assert "waiting" in after
    assert "quick" not in after
    assert listed.find(f"datetime=/{moved(created, 0.001)}") == before
    assert listed.find(f"datetime={moved(created, -0.001)}/") == after
    assert listed.find("datetime=2000-01-01T00:00:00Z") == []


def test_a_job_is_found_at_the_time_that_its_status_tells(listed: Listed) -> None:
    """/req/job-list/datetime-response: `created` intersects the instant given, as `created` is written"""
    assert "slow" in listed.find(f"datetime={quote(listed.status('slow')['created'])}")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("minDuration=1", ["slow"]),
        ("maxDuration=1&status=successful", ["quick"]),
        ("minDuration=1&maxDuration=30&status=successful", ["slow"]),
        ("minDuration=0&maxDuration=1&processID=echo,fail", ["failed", "quick"]),
        ("minDuration=50", []),
        ("minDuration=2&maxDuration=1", []),
    ],
)
def test_jobs_by_their_duration(listed: Listed, query: str, names: list[str]) -> None:
    """/req/job-list/status-response in 1.0, 2.0 /req/job-list/duration-response: of jobs that run or have ended"""
    assert [name for name in listed.find(query) if name != "running"] == names


def test_a_running_job_has_a_duration(listed: Listed) -> None:
    """2.0 /req/job-list/duration-response: running jobs are considered, waiting ones are not"""
    wait_until(lambda: "running" in listed.find("minDuration=1"), 5, "a second of the running job")
    assert "waiting" not in listed.find("minDuration=0")
    assert "waiting" not in listed.find("maxDuration=100")
    assert listed.find("minDuration=1&status=running") == ["running"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "status=done",
        "datetime=yesterday",
        "datetime=../..",
        "datetime=2020-13-01T00:00:00Z",
        "minDuration=long",
        "maxDuration=-1",
        "processID=",
        "nope=1",
        "datetime=2021-01-01T00:00:00Z/2020-01-01T00:00:00Z",
        "cursor=x",
        "processid=echo",
    ],
)
def test_a_bad_parameter_answers_400(app: TestApp, schema: Schema, query: str) -> None:
    """/req/job-list/datetime-definition and the other definitions: values outside the schema"""
    assert_exception(app.get(f"/jobs?{query}", status=400), schema, 400, "invalid-query-parameter-value")
