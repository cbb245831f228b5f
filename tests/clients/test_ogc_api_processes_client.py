"""The client generated from the OGC's own OpenAPI document, `ogc_api_processes_client`, unmodified, drives the server.

It cannot send plain values: its `oneOf` finds that a text fits `str`, `bytes` and more, and
raises. Inputs by reference and no inputs at all it can send with its typed verbs; everything
with `execute_simple` of its wrapper (asynchronous only).
"""

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import ogc_api_processes_client as ogc
import pytest
from ogc_api_processes_client.api_client_wrapper import ApiClientWrapper

from tests.support.client import Served
from tests.support.waiting import wait_until

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def client(server: Served) -> Iterator[ogc.ApiClient]:
    with ogc.ApiClient(ogc.Configuration(host=server.url)) as made:
        yield made


@pytest.fixture
def wrapper(server: Served) -> ApiClientWrapper:
    return ApiClientWrapper(ogc.Configuration(host=server.url))


def ended(client: ogc.ApiClient, job_id: str) -> ogc.StatusInfo:
    def look() -> ogc.StatusInfo | None:
        status = ogc.StatusApi(client).get_status(job_id)
        return (
            status
            if status.status in (ogc.StatusCode.SUCCESSFUL, ogc.StatusCode.FAILED, ogc.StatusCode.DISMISSED)
            else None
        )

    return wait_until(look, what="the end of the job")


def test_landing_page_and_conformance(client: ogc.ApiClient) -> None:
    """/req/core/landingpage-success, /req/core/conformance-success"""
    assert ogc.CapabilitiesApi(client).get_landing_page().title == "weaver-like"
    declared = ogc.ConformanceDeclarationApi(client).get_conformance_classes().conforms_to
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in declared


def test_processes_are_listed(client: ogc.ApiClient) -> None:
    """/req/core/process-list-success"""
    assert {"echo", "greet", "sleep"} <= {
        process.id for process in ogc.ProcessListApi(client).get_processes().processes
    }


@pytest.mark.parametrize(
    "process", ["echo", "wps-echo", "geo-echo", "pair-echo", "echo-complex", "greet", "sleep", "fail"]
)
def test_every_process_is_described(client: ogc.ApiClient, process: str) -> None:
    """/req/core/process-success, /req/ogc-process-description/json-encoding: the
    client's typed model takes the description"""
    described = ogc.ProcessDescriptionApi(client).get_process_description(process)
    assert described.id == process
    assert described.inputs
    assert described.outputs
    assert ogc.JobControlOptions.ASYNC_MINUS_EXECUTE in described.job_control_options


def test_synchronous_execution(client: ogc.ApiClient) -> None:
    """/req/core/process-execute-sync-document"""
    answer = ogc.ExecuteApi(client).execute("sleep", ogc.Execute(response="document"))
    assert answer.actual_instance == {"output": "slept 1 s"}


def test_an_input_by_reference(client: ogc.ApiClient, site: ThreadingHTTPServer) -> None:
    """/req/core/process-execute-inputs: the one kind of input that the client's models can hold"""
    site.pages = {"/name": (200, {"Content-Type": "text/plain"}, b"Ada")}
    request = ogc.Execute.from_dict({"inputs": {"name": {"href": f"{site.url}/name"}}, "response": "document"})
    assert ogc.ExecuteApi(client).execute("greet", request).actual_instance == {"greeting": "Hello Ada"}


def test_plain_values_are_beyond_its_models() -> None:
    """A fault of the client: `oneOf` of overlapping types"""
    with pytest.raises(ValueError, match="Multiple matches"):
        ogc.Execute.from_dict({"inputs": {"name": "Ada"}})


def test_asynchronous_execution_to_its_results(client: ogc.ApiClient, wrapper: ApiClientWrapper) -> None:
    """/req/core/process-execute-success-async, /req/core/job-success, /req/core/job-results-async-document

    The typed model of results fails like that of inputs, so the results are read from the answer itself.
    """
    headers = {"Content-Type": "application/json"} | ASYNC
    job = wrapper.execute_simple("greet", {"inputs": {"name": "Ada"}, "response": "document"}, _headers=headers)
    assert job.type == "process"
    assert ended(client, job.job_id).status == ogc.StatusCode.SUCCESSFUL
    answer = ogc.ResultApi(client).get_result_without_preload_content(job.job_id)
    assert answer.status == 200
    assert json.loads(answer.read()) == {"greeting": "Hello Ada"}


def test_asynchronous_execution_with_typed_verbs(client: ogc.ApiClient) -> None:
    """/req/core/process-execute-success-async: `execute` is typed for 201 as well"""
    job = ogc.ExecuteApi(client).execute("sleep", ogc.Execute(response="document"), _headers=dict(ASYNC))
    assert ended(client, job.job_id).progress == 100


def test_jobs_are_listed_and_dismissed(client: ogc.ApiClient, wrapper: ApiClientWrapper) -> None:
    """/req/job-list/job-list-success, /req/dismiss/job-dismiss-success"""
    job = wrapper.execute_simple(
        "sleep", {"inputs": {"delay": 30}}, _headers={"Content-Type": "application/json"} | ASYNC
    )
    assert job.job_id in [listed.job_id for listed in ogc.JobListApi(client).get_jobs().jobs]
    assert ogc.DismissApi(client).dismiss(job.job_id).status == ogc.StatusCode.DISMISSED
    assert ogc.StatusApi(client).get_status(job.job_id).status == ogc.StatusCode.DISMISSED


def test_errors_are_typed_exceptions(client: ogc.ApiClient) -> None:
    """/req/core/job-results-exception/no-such-job, /req/core/job-results-exception/results-not-ready: exception.yaml"""
    with pytest.raises(ogc.exceptions.NotFoundException) as raised:
        ogc.ResultApi(client).get_result("nope")
    assert raised.value.data.type == "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job"
    job = ogc.ExecuteApi(client).execute("sleep", ogc.Execute(), _headers=dict(ASYNC))
    with pytest.raises(ogc.exceptions.NotFoundException) as raised:
        ogc.ResultApi(client).get_result(job.job_id)
    assert raised.value.data.type == "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready"
