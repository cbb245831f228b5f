"""The API document against the server: whatever the document allows, and what it
does not, gets an answer that the document knows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from webtest import TestApp

from tests.support.applications import make_service
from tests.support.client import finished, submit
from weaver_like.engines.base import ClosePolicy
from weaver_like.faces.ogcapi.operations import OPERATIONS

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Few examples, always the same ones: what they find is found on every machine.
BOUNDED = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TABLE = [(operation.method.upper(), operation.path) for operation in OPERATIONS]
PROCESSES = ["echo", "wps-echo", "geo-echo", "pair-echo", "echo-complex", "greet", "sleep", "fail"]
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """A server of its own, that does not wait long for jobs that sleep."""
    service = make_service(tmp_path_factory.mktemp("tried"), "jobs.sync_limit_s=0.2", "jobs.time_limit_s=2")
    application = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    yield application
    service.stop(ClosePolicy.KILL)


@pytest.fixture(scope="module")
def api(tried: TestApp) -> schemathesis.schemas.BaseSchema:
    return schemathesis.openapi.from_wsgi("/api", tried.app)


@pytest.fixture(scope="module")
def ended_jobs(tried: TestApp) -> dict[str, str]:
    """A job of each ending: `{"successful": id, "failed": id}`."""
    jobs = {"successful": submit(tried, "echo", {"message": "x", "number": 1}), "failed": submit(tried, "fail")}
    for status, job in jobs.items():
        assert finished(tried, job)["status"] == status
    return jobs


def try_operation(
    api: schemathesis.schemas.BaseSchema, path: str, method: str, check: Callable[[schemathesis.Case], None]
) -> None:
    """Call `check` with every case that is made for an operation, bad ones too."""
    operation = api[path][method]
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    for mode in modes:
        if mode is modes[1] and not list(operation.iter_parameters()) and not operation.body:
            continue
        BOUNDED(given(case=operation.as_strategy(generation_mode=mode))(check))()


@pytest.mark.parametrize(
    ("method", "path"), [*TABLE, *(("POST", f"/processes/{process}/execution") for process in PROCESSES)]
)
def test_every_answer_is_in_the_document(api: schemathesis.schemas.BaseSchema, method: str, path: str) -> None:
    """/req/oas30/completeness, /req/oas30/exceptions-codes"""

    def check(case: schemathesis.Case) -> None:
        case.validate_response(case.call(), checks=CHECKS[1:] if "/fail/" in path else CHECKS)

    try_operation(api, path, method, check)


@pytest.mark.parametrize("path", [path for method, path in TABLE if method == "GET" and path.startswith("/jobs/{job}")])
@pytest.mark.parametrize("status", ["successful", "failed"])
def test_every_answer_about_a_job_is_in_the_document(
    api: schemathesis.schemas.BaseSchema, ended_jobs: dict[str, str], path: str, status: str
) -> None:
    """Ids by chance meet no job, so the same is tried with jobs that are there.

    A failed job answers 500 on its results by design.
    """

    def check(case: schemathesis.Case) -> None:
        case.path_parameters = {**case.path_parameters, "job": ended_jobs[status]}
        by_design = status == "failed" and path.startswith(("/jobs/{job}/results", "/jobs/{job}/outputs"))
        case.validate_response(case.call(), checks=CHECKS[1:] if by_design else CHECKS)

    try_operation(api, path, "GET", check)


def test_the_document_is_reached_as_a_client_reaches_it(tried: TestApp, tmp_path: Path) -> None:
    """/req/core/api-definition-success"""
    schema = schemathesis.openapi.from_dict(tried.get("/api").json)
    assert len(list(schema.get_all_operations())) > 20
