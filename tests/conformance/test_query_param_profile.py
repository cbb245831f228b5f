"""Requirements class "query-param-profile" of the 2.0 draft."""

import pytest
from webtest import TestApp

from tests.support.answers import (
    DESCRIPTION_PROFILE,
    RESULTS_PROFILE,
    assert_list_parameter,
    header_links,
    hrefs_of,
    query_parameter,
)

#: Resources that a profile of the OGC exists for.
PROFILED = ["/processes/{process}", "/jobs/{job}/results", "/jobs/{job}/results/{output}"]
OTHERS = ["/", "/conformance", "/processes", "/jobs", "/jobs/{job}"]


def url_of(path: str, job_id: str) -> str:
    return path.replace("{process}", "echo").replace("{job}", job_id).replace("{output}", "message")


@pytest.mark.parametrize("path", [*PROFILED, *OTHERS])
def test_the_parameter_is_defined(app: TestApp, path: str) -> None:
    """/req/query-param-profile/definition A, B: for the GET operation; the text names no exception"""
    assert_list_parameter(query_parameter(app, path, "profile"))


@pytest.mark.parametrize("path", [*PROFILED, *OTHERS])
def test_a_profile_is_no_error(app: TestApp, successful_job: str, path: str) -> None:
    """/req/query-param-profile/definition C: URI, CURIE or name;
    /rec/query-param-profile/negotiation: never an error"""
    for value in (
        DESCRIPTION_PROFILE,
        RESULTS_PROFILE,
        "ogc-results",
        "[ogc:profile]",
        "http://example.com/unknown,ogc-results",
    ):
        app.get(url_of(path, successful_job), {"profile": value}, status=200)


@pytest.mark.parametrize("path", [*PROFILED, *OTHERS])
def test_the_parameter_may_be_left_out(app: TestApp, successful_job: str, path: str) -> None:
    """/req/query-param-profile/response A"""
    app.get(url_of(path, successful_job), status=200)


def test_a_description_links_to_the_profile_that_was_selected(app: TestApp) -> None:
    """/req/query-param-profile/response B, /rec/query-param-profile/link-header"""
    answer = app.get("/processes/echo", {"profile": DESCRIPTION_PROFILE}, status=200)
    assert hrefs_of(answer.json, "profile") == [DESCRIPTION_PROFILE]
    assert header_links(answer)["profile"] == [DESCRIPTION_PROFILE]


def test_results_link_to_the_profile_that_was_selected(app: TestApp, successful_job: str) -> None:
    """/req/query-param-profile/response B, /rec/query-param-profile/link-header"""
    answer = app.get(
        f"/jobs/{successful_job}/results", {"profile": f"http://example.com/unknown,{RESULTS_PROFILE}"}, status=200
    )
    assert answer.content_type == "application/json"
    assert header_links(answer)["profile"] == [RESULTS_PROFILE]
