"""The official test suite (ets-ogcapi-processes10), method by method, for the process `echo`.

This is what it sends, and what it asserts. It cannot be run without the network (it reads schemas.opengis.net and
github.com); a referenced GeoTIFF comes from a local server here.
"""

import base64
import json
import uuid
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp, TestResponse

from tests.support.answers import EXCEPTIONS, Schema
from tests.support.waiting import wait_until

ACCEPT = {"Accept": "application/json"}
ASYNC = ACCEPT | {"Prefer": "respond-async"}
ASYNC_BLANK = ACCEPT | {"Prefer": "respond-async "}
EXECUTE = "/processes/echo/execution"
TEXT = "teststring"
GEOTIFF = "image/tiff; application=geotiff"


@pytest.fixture(scope="module")
def echo(app: TestApp) -> dict:
    return app.get("/processes/echo", headers=ACCEPT).json


def literal_inputs(echo: dict) -> dict:
    """What the suite sends: text for plain strings (an enum is not honoured),
    foreign boxes, text for other objects; nothing else."""
    inputs: dict = {}
    for name, described in echo["inputs"].items():
        for schema in described["schema"].get("oneOf", [described["schema"]]):
            if schema.get("type") == "string" and "format" not in schema and "contentMediaType" not in schema:
                inputs[name] = TEXT
            elif schema.get("type") == "object" and "bbox" in schema.get("properties", {}):
                inputs[name] = {"crs": "urn:ogc:def:crs:EPSG:6.6:4326", "bbox": [345345345] * 4}
            elif schema.get("type") == "object":
                inputs[name] = {"value": TEXT}
    return inputs


def every_output(echo: dict) -> dict:
    return {name: {"transmissionMode": "value"} for name in echo["outputs"]}


def one_output(echo: dict) -> dict:
    """The output whose id is that of the first input."""
    first = next(iter(echo["inputs"]))
    return {name: entry for name, entry in every_output(echo).items() if name == first}


def payload(echo: dict, **members: object) -> dict:
    return {"inputs": literal_inputs(echo), "outputs": every_output(echo)} | members


def post(app: TestApp, body: dict, headers: dict = ACCEPT) -> TestResponse:
    return app.post_json(EXECUTE, body, headers=headers, status="*")


def follow(app: TestApp, answer: TestResponse, schema: Schema) -> dict:
    """The status behind Location, asked for without Accept."""
    status = app.get(answer.headers["Location"], status=200)
    assert status.content_type == "application/json"
    schema("part1-1.0/statusInfo").validate(status.json)
    return status.json


def is_exception(
    answer: TestResponse, schema: Schema, kinds: tuple = ("application/json", "application/problem+json")
) -> bool:
    schema("part1-1.0/exception").validate(answer.json)
    return answer.headers["Content-Type"].partition(";")[0] in kinds


def test_landing_page(app: TestApp, schema: Schema) -> None:
    """LandingPage.testLandingPageRetrieval, testLandingPageValidation; GeneralHttp.testHttp is in test_part1_core"""
    landing = app.get("/", headers=ACCEPT, status=200).json
    relations = {link["rel"] for link in landing["links"]}
    assert relations & {"service-desc", "service-doc"}
    assert relations & {"http://www.opengis.net/def/rel/ogc/1.0/conformance", "conformance"}
    assert relations & {"http://www.opengis.net/def/rel/ogc/1.0/processes", "processes"}
    schema("part1-1.0/landingPage").validate(landing)


def test_conformance(app: TestApp, schema: Schema) -> None:
    """Conformance.testValidateConformanceOperationAndResponse"""
    answer = app.get("/conformance", headers=ACCEPT, status=200)
    schema("part1-1.0/confClasses").validate(answer.json)
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in answer.json["conformsTo"]


def test_process_list_limit(app: TestApp) -> None:
    """ProcessList.testPlLimitResponse, testPlLinks; testPlLimitDefinition sends nothing"""
    listed = app.get("/processes?limit=1", headers=ACCEPT, status=200).json
    assert len(listed["processes"]) == 1
    assert isinstance(listed["links"], list)


def test_process_list(app: TestApp, schema: Schema) -> None:
    """ProcessList.testProcessList, testProcessListSuccess"""
    listed = app.get("/processes", headers=ACCEPT, status=200).json
    assert listed["processes"]
    schema("part1-1.0/processList").validate(listed)


def test_process(app: TestApp, schema: Schema) -> None:
    """Process.testProcess, testProcessSuccess"""
    answer = app.get("/processes/echo", headers=ACCEPT, status=200)
    assert answer.headers["Content-Type"] == "application/json"
    schema("part1-1.0/process").validate(answer.json)


def test_no_such_process(app: TestApp, schema: Schema) -> None:
    """Process.testProcessExceptionNoSuchProcess: the media type is compared whole"""
    answer = app.get(f"/processes/invalid-process-{uuid.uuid4()}", headers=ACCEPT, status=404)
    schema("part1-1.0/exception").validate(answer.json)
    assert answer.headers["Content-Type"] in ("application/json", "application/problem+json")


def test_process_description(app: TestApp, schema: Schema) -> None:
    """OGCProcessDescription.*JSON, InputsDef, InputDef, OutputsDef, OutputDef,
    -MixedType (skipped without oneOf); testallprocesses on"""
    for process in app.get("/processes", headers=ACCEPT).json["processes"]:
        described = app.get(f"/processes/{process['id']}", headers=ACCEPT, status=200).json
        schema("part1-1.0/process").validate(described)
        for side in ("inputs", "outputs"):
            assert all("schema" in entry for entry in described[side].values())


def test_the_echo_process_is_as_the_suite_needs_it(echo: dict) -> None:
    """Section 2.1: first input plain text, an output for each, no plain
    object, one array, one box, one binary, `pause`"""
    assert literal_inputs(echo) == {"message": TEXT}
    assert set(echo["inputs"]) == set(echo["outputs"])
    required = [name for name, entry in echo["inputs"].items() if entry["minOccurs"] > 0]
    assert required == ["message"]
    for entry in echo["inputs"].values():
        assert all("format" in part for part in entry["schema"].get("allOf", [])[:1])


def test_auto_execution_mode(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationAutoExecutionMode"""
    assert post(app, payload(echo), ASYNC).status_int in (200, 201)


def test_default_execution_mode(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationDefaultExecutionMode"""
    assert post(app, payload(echo)).status_int == 200


def test_job_creation(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobCreationOp, testJobSuccess: with a trailing blank in Prefer"""
    answer = post(app, payload(echo), ASYNC_BLANK)
    assert answer.status_int in (200, 201)
    follow(app, answer, schema)


def test_job_creation_request(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobCreationRequest, testJobCreationSuccessAsync"""
    answer = post(app, payload(echo), ASYNC)
    assert answer.status_int in (200, 201)
    assert answer.headers["Content-Type"].startswith("application/json")
    follow(app, answer, schema)


def test_job_creation_inputs(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationInputs, InputInline, InputInlineObject,
    InputInlineMixed, testJobOp; DefaultOutputs without `outputs`"""
    assert post(app, payload(echo)).status_int in (200, 201)
    assert post(app, {"inputs": literal_inputs(echo)}).status_int in (200, 201)


def test_input_array(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationInputArray: only the first array output is asked for"""
    name = next(name for name, entry in echo["inputs"].items() if entry["schema"].get("type") == "array")
    output = next(name for name, entry in echo["outputs"].items() if entry["schema"].get("type") == "array")
    kind = echo["inputs"][name]["schema"]["items"]["type"]
    value = {"integer": [1, 2, 3], "string": [TEXT] * 3}.get(kind, [])
    answer = post(
        app, {"inputs": literal_inputs(echo) | {name: value}, "outputs": {output: {"transmissionMode": "value"}}}
    )
    assert answer.status_int in (200, 201)


def test_input_bbox(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationInputInlineBbox: only the box is asked for"""
    box = {"bbox": [51.9, 7, 52, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    names = [
        name
        for name, entry in echo["inputs"].items()
        if any(part.get("format") == "ogc-bbox" for part in entry["schema"].get("allOf", ()))
    ]
    assert names
    answer = post(
        app,
        {
            "inputs": literal_inputs(echo) | dict.fromkeys(names, box),
            "outputs": {name: {"transmissionMode": "value"} for name in names},
        },
    )
    assert answer.status_int in (200, 201)


def binary_inputs(echo: dict) -> list[str]:
    return [
        name
        for name, entry in echo["inputs"].items()
        if entry["schema"].get("type") == "string"
        and (entry["schema"].get("format") == "byte" or entry["schema"].get("contentEncoding") == "binary")
    ]


def test_input_binary(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationInputInlineBinary: with the nested, older `format`"""
    value = {"value": base64.b64encode(b"II*\0" * 99).decode(), "format": {"mediaType": GEOTIFF, "encoding": "base64"}}
    assert binary_inputs(echo) == ["image"]
    assert post(app, payload(echo, inputs=literal_inputs(echo) | {"image": value})).status_int in (200, 201)


def test_input_reference(app: TestApp, echo: dict, site: ThreadingHTTPServer) -> None:
    """Jobs.testJobCreationInputRef: a GeoTIFF by reference; one part of the multipart answer has the text"""
    site.pages = {"/image.tif": (200, {"Content-Type": "application/octet-stream"}, b"II*\0" * 9999)}
    value = {"href": f"{site.url}/image.tif", "format": {"mediaType": GEOTIFF, "encoding": "binary"}}
    answer = post(app, payload(echo, inputs=literal_inputs(echo) | {"image": value}))
    assert answer.status_int == 200
    assert answer.content_type.startswith("multipart")
    assert TEXT.encode() in answer.body


def test_input_validation(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobCreationInputValidation: a valid request, then {"type":
    "wrong/type_..."} for every input with a media type"""
    answer = post(app, payload(echo))
    assert answer.status_int == 200
    assert TEXT in answer.text
    named = [name for name, entry in echo["inputs"].items() if "contentMediaType" in entry["schema"]]
    assert named
    wrong = post(
        app,
        payload(echo, inputs=literal_inputs(echo) | {name: {"type": f"wrong/type_{uuid.uuid4()}"} for name in named}),
    )
    assert wrong.status_int in (400, 500)
    assert wrong.headers["Content-Type"] == "application/json" or wrong.headers["Content-Type"].startswith(
        "application/json;"
    )
    schema("part1-1.0/exception").validate(wrong.json)


@pytest.mark.parametrize("response", ["document", "raw"])
def test_sync_forms(app: TestApp, echo: dict, response: str) -> None:
    """Jobs.testJobCreationSyncDocument, SyncRawMixedMulti, SyncRawRef,
    SyncRawValueMulti: all outputs by value; 204 would fail"""
    assert post(app, payload(echo, response=response)).status_int in (200, 201)


def test_sync_raw_value_one(app: TestApp, echo: dict) -> None:
    """Jobs.testJobCreationSyncRawValueOne"""
    answer = post(app, payload(echo, response="raw", outputs=one_output(echo)))
    assert answer.status_int in (200, 201)
    assert TEXT in answer.text


@pytest.mark.parametrize("path", ["", "/results"])
def test_no_such_job(app: TestApp, schema: Schema, path: str) -> None:
    """Jobs.testJobExceptionNoSuchJob, testJobResultsNoSuchJob"""
    answer = app.get(f"/jobs/invalid-job-{uuid.uuid4()}{path}", headers=ACCEPT, status=404)
    assert is_exception(answer, schema)


def test_results_not_ready(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobResultsExceptionResultsNotReady: the first input and `pause`"""
    first = next(iter(echo["inputs"]))
    started = post(app, {"inputs": {first: TEXT, "pause": 5}, "outputs": every_output(echo)}, ASYNC)
    answer = app.get(f"{started.headers['Location']}/results", headers=ACCEPT, status=404)
    assert answer.json["type"] == EXCEPTIONS + "result-not-ready"
    assert is_exception(answer, schema)
    app.delete(started.headers["Location"])


def test_results_failed(app: TestApp, schema: Schema) -> None:
    """Jobs.testJobResultsFailed: {"invalid-execute-request": "true)"}"""
    answer = post(app, {"invalid-execute-request": "true)"})
    assert answer.status_int > 200
    assert is_exception(answer, schema)


def test_results_of_a_job(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobResults: 201"""
    answer = post(app, payload(echo), ASYNC)
    assert answer.status_int == 201
    follow(app, answer, schema)


def test_results_async_document(app: TestApp, echo: dict) -> None:
    """Jobs.testJobResultsAsyncDocument"""
    assert post(app, payload(echo, response="document"), ASYNC).status_int in (200, 201)


def test_results_async_raw(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobResultsAsyncRawMixedMulti, AsyncRawRef, AsyncRawValueMulti: without `response`"""
    answer = post(app, payload(echo), ASYNC)
    assert answer.status_int in (200, 201)
    follow(app, answer, schema)


def test_results_async_raw_value_one(app: TestApp, schema: Schema, echo: dict) -> None:
    """Jobs.testJobResultsAsyncRawValueOne: polls by the links, then the results hold the text; all without Accept"""
    answer = post(app, payload(echo, response="raw", outputs=one_output(echo)), ASYNC)
    assert isinstance(json.loads(answer.text), dict)
    assert answer.status_int == 201

    def results() -> str | None:
        links = {link["rel"]: link["href"] for link in follow(app, answer, schema)["links"]}
        assert links.keys() & {"monitor", "status", "http://www.opengis.net/def/rel/ogc/1.0/results"}
        return links.get("http://www.opengis.net/def/rel/ogc/1.0/results")

    assert TEXT in app.get(wait_until(results, what="the results"), status=200).text


def test_results_sync(app: TestApp, echo: dict) -> None:
    """Jobs.testJobResultsSync: any Link header is misread by the suite, so there is none for clients without Prefer"""
    answer = post(app, payload(echo))
    assert answer.status_int in (200, 201)
    assert "Link" not in answer.headers


def test_job_list(app: TestApp, schema: Schema, successful_job: str) -> None:
    """JobList.testJobList, testJobListSuccess"""
    listed = app.get("/jobs", headers=ACCEPT, status=200).json
    assert listed["jobs"]
    schema("part1-1.0/jobList").validate(listed)
