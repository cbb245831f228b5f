"""OWSLib drives the server: `owslib.ogcapi.processes.Processes`, unmodified."""

import pytest
import requests
from owslib.ogcapi.processes import Processes

from tests.support.client import Served
from tests.support.waiting import wait_until


@pytest.fixture
def client(server: Served) -> Processes:
    return Processes(server.url)


def test_the_landing_page_is_read(client: Processes) -> None:
    """/req/core/landingpage-success"""
    assert client.response["title"] == "weaver-like"
    assert {"service-desc", "http://www.opengis.net/def/rel/ogc/1.0/processes"} <= {
        link["rel"] for link in client.links
    }


def test_conformance_and_definition_are_found_by_the_links(client: Processes) -> None:
    """/req/core/conformance-success, /req/oas30/oas-definition-1: the client looks for the exact media type"""
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in client.conformance()["conformsTo"]
    assert "/processes/{process}/execution" in client.api()["paths"]


def test_processes_are_listed(client: Processes) -> None:
    """/req/core/process-list-success"""
    assert {"echo", "greet", "sleep"} <= {process["id"] for process in client.processes()}


def test_a_process_is_described(client: Processes) -> None:
    """/req/core/process-success"""
    assert client.process("greet")["inputs"]["name"]["schema"] == {"type": "string"}


def test_an_unknown_process_is_an_error(client: Processes) -> None:
    """/req/core/process-exception/no-such-process"""
    with pytest.raises(RuntimeError, match="no-such-process"):
        client.process("nope")


def test_synchronous_execution(client: Processes) -> None:
    """/req/core/process-execute-sync-document: the client prefers
    `respond-sync`, which is in no registry and is ignored"""
    assert client.execute("echo", {"message": "é", "number": 1.5, "flag": False}) == {
        "message": "é",
        "number": 1.5,
        "flag": False,
    }


def test_synchronous_execution_with_outputs(client: Processes) -> None:
    """/req/core/process-execute-sync-document: only what was asked for"""
    assert client.execute("echo", {"message": "m", "number": 1}, outputs={"number": {"transmissionMode": "value"}}) == {
        "number": 1
    }


def test_raw_answers_are_beyond_the_client(client: Processes) -> None:
    """/req/core/process-execute-sync-raw-value-one: the client reads every answer as JSON.

    It fails on text and multipart by itself; a raw JSON value it takes.
    """
    assert client.execute("echo", {"message": "m", "number": 2.5}, outputs={"number": {}}, response="raw") == 2.5
    with pytest.raises(requests.exceptions.JSONDecodeError):
        client.execute("greet", {"name": "Ada"}, response="raw")


def test_asynchronous_execution_to_its_results(client: Processes) -> None:
    """/req/core/process-execute-success-async; the client has no verbs for jobs:
    status, results, list and dismiss go through its `_request`"""
    job = client.execute("greet", {"name": "Ada"}, async_=True)
    path = f"jobs/{job['jobID']}"
    assert client.response_headers["Location"].endswith(path)
    wait_until(lambda: client._request(path=path)["status"] == "successful", what="the end of the job")
    assert client._request(path=f"{path}/results") == {"greeting": "Hello Ada"}
    assert job["jobID"] in [listed["jobID"] for listed in client._request(path="jobs")["jobs"]]
    assert client._request(method="DELETE", path=path)["status"] == "dismissed"
    with pytest.raises(RuntimeError, match="no-such-job"):
        client._request(path=path)


def test_a_running_job_is_dismissed(client: Processes) -> None:
    """/req/dismiss/job-dismiss-success"""
    job = client.execute("sleep", {"delay": 30}, async_=True)
    assert client._request(method="DELETE", path=f"jobs/{job['jobID']}")["status"] == "dismissed"
    assert client._request(path=f"jobs/{job['jobID']}")["status"] == "dismissed"


def test_a_bad_request_is_an_error_with_its_reason(client: Processes) -> None:
    """/req/core/process-execute-input-validation"""
    with pytest.raises(RuntimeError, match="/inputs/number"):
        client.execute("echo", {"message": "m", "number": "one"})
