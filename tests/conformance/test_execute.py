"""Requirements class "core" of 1.0: executing a process; modes, inputs, and every form of a synchronous answer."""

import base64
import json
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.answers import Schema, assert_exception, header_links, parse_multipart
from tests.support.client import finished, submit

ECHO, GEO = "/processes/echo/execution", "/processes/geo-echo/execution"
ASYNC = {"Prefer": "respond-async"}


def run(app: TestApp, path: str, inputs: dict, **body: object) -> dict:
    """The results document of a synchronous execution."""
    return app.post_json(path, {"inputs": inputs, "response": "document", **body}, status=200).json


def test_a_process_is_executed_with_post(app: TestApp) -> None:
    """/req/core/process-execute-op"""
    assert app.post_json(ECHO, {"inputs": {"message": "m"}, "outputs": {"message": {}}}, status=200).text == "m"


def test_every_member_of_the_execute_request_is_taken(app: TestApp, schema: Schema, site: ThreadingHTTPServer) -> None:
    """/req/core/process-execute-request: execute.yaml"""
    body = {
        "inputs": {"message": "m", "bbox": {"bbox": [1, 2, 3, 4]}},
        "response": "document",
        "outputs": {"message": {"format": {"mediaType": "text/plain"}, "transmissionMode": "value"}, "bbox": {}},
        "subscriber": {
            "successUri": f"{site.url}/done",
            "inProgressUri": f"{site.url}/busy",
            "failedUri": f"{site.url}/failed",
        },
    }
    schema("part1-1.0/execute").validate(body)
    assert app.post_json(ECHO, body, status=200).json == {"message": "m", "bbox": {"bbox": [1, 2, 3, 4]}}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"inputs": 1}',
        b'{"inputs": null}',
        b'{"inputs": {"message": "m"}, "outputs": "all"}',
        b'{"inputs": {"message": "m"}, "response": "zip"}',
        b'{"inputs": {"message": "m"}, "outputs": {"message": {"transmissionMode": "mail"}}}',
        b'{"inputs": {"message": "m"}, "subscriber": {"successUri": 1}}',
        b'{"inputs": {"message": NaN}}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_execute_request_answers_400(app: TestApp, schema: Schema, text: bytes) -> None:
    """/req/core/process-execute-request"""
    assert_exception(app.post(ECHO, text, content_type="application/json", status=400), schema, 400)


@pytest.mark.parametrize(("process", "status"), [("only-sync", 200), ("only-async", 201), ("echo", 200)])
def test_without_prefer_the_mode_is_that_of_the_process_and_sync_if_it_has_both(
    modes: TestApp, process: str, status: int
) -> None:
    """/req/core/process-execute-default-execution-mode"""
    modes.post_json(
        f"/processes/{process}/execution", {"inputs": {"message": "m"} if process == "echo" else {}}, status=status
    )


@pytest.mark.parametrize(("process", "status"), [("only-sync", 200), ("only-async", 201), ("echo", 201)])
def test_with_respond_async_the_answer_is_asynchronous_where_it_can_be(
    modes: TestApp, process: str, status: int
) -> None:
    """/req/core/process-execute-auto-execution-mode; 2.0 /rec/core/process-execute-honor-prefer"""
    answer = modes.post_json(
        f"/processes/{process}/execution",
        {"inputs": {"message": "m"} if process == "echo" else {}},
        headers=ASYNC,
        status=status,
    )
    assert answer.headers.get("Preference-Applied") == ("respond-async" if status == 201 else None)


def test_omitted_outputs_are_all_outputs(app: TestApp) -> None:
    """/req/core/process-execute-default-outputs"""
    inputs = {
        "message": "m",
        "number": 1.5,
        "flag": True,
        "list": [1, 2],
        "choice": "b",
        "bbox": {"bbox": [1, 2, 3, 4]},
        "pause": 0,
    }
    every = app.get("/processes/echo").json["outputs"]
    assert run(app, ECHO, inputs) == run(app, ECHO, inputs, outputs={name: {} for name in every}) == inputs


@pytest.mark.parametrize("values", [["a"], ["a", "b"], [{"value": "a"}, "b"], []])
def test_values_of_an_input_that_comes_several_times_are_an_array(app: TestApp, values: list) -> None:
    """/req/core/process-execute-input-array: also if there is a single value"""
    plain = [value["value"] if isinstance(value, dict) else value for value in values]
    assert run(app, GEO, {"words": values}) == {"words": plain}


@pytest.mark.parametrize("pair", [["a"], ["a", "b", "c"], "a", []])
def test_too_few_or_too_many_values_answer_400(app: TestApp, schema: Schema, pair: object) -> None:
    """/req/core/process-execute-input-array, /req/core/process-execute-input-validation: minOccurs, maxOccurs"""
    assert_exception(
        app.post_json("/processes/pair-echo/execution", {"inputs": {"pair": pair}}, status=400), schema, 400
    )


@pytest.mark.parametrize(
    "box",
    [
        {"bbox": [51.9, 7, 52, 7.1]},
        {"bbox": [1, 2, 3, 4, 5, 6], "crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h"},
        {"bbox": [170, -10, -170, 10], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
    ],
)
@pytest.mark.parametrize("qualified", [False, True])
def test_a_bounding_box_is_an_input_value(app: TestApp, schema: Schema, box: dict, qualified: bool) -> None:
    """/req/core/process-execute-input-inline-bbox: bbox.yaml"""
    schema("part1-1.0/bbox").validate(box)
    assert run(app, ECHO, {"message": "m", "bbox": {"value": box} if qualified else box})["bbox"] == box


@pytest.mark.parametrize(
    "box",
    [
        {"bbox": [1, 2, 3]},
        {"bbox": [1, 2, 3, 4, 5]},
        {"bbox": ["1", "2", "3", "4"]},
        {"crs": "x"},
        [1, 2, 3, 4],
        {"bbox": [1, 2, 3, 4], "crs": 4326},
    ],
)
def test_what_is_no_bounding_box_answers_400(app: TestApp, schema: Schema, box: object) -> None:
    """/req/core/process-execute-input-inline-bbox, /req/core/process-execute-input-validation"""
    assert_exception(app.post_json(ECHO, {"inputs": {"message": "m", "bbox": box}}, status=400), schema, 400)


@pytest.mark.parametrize("wrapped", ["bare", "nested format", "flat format"])
def test_binary_values_are_base64(app: TestApp, wrapped: str) -> None:
    """/req/core/process-execute-input-inline-binary"""
    image = b"II*\0" + bytes(range(256))
    text, told = (
        base64.b64encode(image).decode(),
        {"mediaType": "image/tiff; application=geotiff", "encoding": "base64"},
    )
    value = {"bare": text, "nested format": {"value": text, "format": told}, "flat format": {"value": text, **told}}[
        wrapped
    ]
    answer = app.post_json(ECHO, {"inputs": {"message": "m", "image": value}, "outputs": {"image": {}}}, status=200)
    assert answer.content_type == "image/tiff"
    assert answer.body == image


def test_what_is_no_base64_answers_400(app: TestApp, schema: Schema) -> None:
    """/req/core/process-execute-input-inline-binary, /req/core/process-execute-input-validation"""
    assert_exception(app.post_json(ECHO, {"inputs": {"message": "m", "image": "no base64!"}}, status=400), schema, 400)


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ("plain words", "text/plain"),
        ("<a>é</a>", "text/xml"),
        ({"a": [1, None]}, "application/json"),
    ],
)
def test_a_qualified_value_says_which_of_several_formats_it_has(app: TestApp, value: object, media_type: str) -> None:
    """/req/core/process-execute-input-mixed-type; 2.0 /req/core/process-execute-input-multiple-types"""
    body = {"inputs": {"document": {"value": value, "mediaType": media_type}}, "outputs": {"document": {}}}
    answer = app.post_json(GEO, body, status=200)
    assert answer.content_type == media_type
    assert (answer.json if media_type == "application/json" else answer.text) == value


def test_a_format_that_is_not_offered_answers_400(app: TestApp, schema: Schema) -> None:
    """/req/core/process-execute-input-mixed-type"""
    body = {"inputs": {"document": {"value": "a,b", "mediaType": "text/csv"}}}
    assert_exception(app.post_json(GEO, body, status=400), schema, 400)


def test_an_object_is_given_as_a_qualified_value(app: TestApp) -> None:
    """/req/core/process-execute-input-inline-object"""
    thing = {"name": "n", "more": {"deep": [1, {"value": 2}]}}
    found = run(app, GEO, {"thing": {"value": thing}})
    assert found["thing"]["value"] == thing


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        (ECHO, {"message": 1}),
        (ECHO, {"message": None}),
        (ECHO, {"message": ["a"]}),
        (ECHO, {}),
        (ECHO, {"message": "m", "number": "1"}),
        (ECHO, {"message": "m", "flag": 0}),
        (ECHO, {"message": "m", "list": [1, "2"]}),
        (ECHO, {"message": "m", "list": 1}),
        (ECHO, {"message": "m", "choice": "d"}),
        (ECHO, {"message": "m", "pause": -1}),
        (ECHO, {"message": "m", "pause": 0.5}),
        (ECHO, {"message": "m", "unknown": 1}),
        (ECHO, {"message": {"value": 1}}),
        (GEO, {"level": 11}),
        (GEO, {"thing": {"value": {"title": "x"}}}),
        (GEO, {"thing": {"value": "text"}}),
        (GEO, {"words": ["a", 2]}),
        (GEO, {"features": {"value": {"type": "Feature"}}}),
    ],
)
def test_a_value_that_does_not_fit_its_description_answers_400(
    app: TestApp, schema: Schema, path: str, inputs: dict
) -> None:
    """/req/core/process-execute-input-validation A; /req/ogc-process-description/input-def C"""
    assert_exception(app.post_json(path, {"inputs": inputs}, status=400), schema, 400)


def test_values_by_reference_are_resolved(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/core/process-execute-inputs: by value and by reference"""
    site.pages = {
        "/text": (200, {"Content-Type": "text/plain"}, "wörter".encode()),
        "/number": (200, {"Content-Type": "application/json"}, b"42.5"),
        "/box": (200, {"Content-Type": "application/json"}, b'{"bbox": [1, 2, 3, 4]}'),
    }
    inputs = {
        "message": {"href": f"{site.url}/text"},
        "number": {"href": f"{site.url}/number"},
        "bbox": {"href": f"{site.url}/box"},
        "flag": True,
    }
    assert run(app, ECHO, inputs) == {"message": "wörter", "number": 42.5, "bbox": {"bbox": [1, 2, 3, 4]}, "flag": True}


@pytest.mark.parametrize(
    ("name", "page"), [("number", b'"text"'), ("list", b"[1, null]"), ("bbox", b'{"bbox": [1]}'), ("choice", b'"d"')]
)
def test_a_referenced_value_is_validated_as_if_it_stood_in_the_request(
    app: TestApp, schema: Schema, site: ThreadingHTTPServer, name: str, page: bytes
) -> None:
    """/req/core/process-execute-input-validation B"""
    site.pages = {"/value": (200, {"Content-Type": "application/json"}, page)}
    inputs = {"message": "m", name: {"href": f"{site.url}/value"}}
    assert_exception(app.post_json(ECHO, {"inputs": inputs}, status=400), schema, 400)
    job_id = submit(app, "echo", inputs)
    assert finished(app, job_id)["status"] == "failed"
    assert_exception(app.get(f"/jobs/{job_id}/results", status=400), schema, 400)


def test_a_referenced_value_that_is_not_there_is_the_error(
    app: TestApp, schema: Schema, site: ThreadingHTTPServer
) -> None:
    """/req/core/process-execute-input-validation B"""
    answer = app.post_json(ECHO, {"inputs": {"message": {"href": f"{site.url}/missing"}}}, status=400)
    assert_exception(answer, schema, 400)
    assert "404" in answer.json["detail"]


@pytest.mark.parametrize("edition", ["part1-1.0", "part1-2.0-draft"])
def test_an_asynchronous_execution_answers_201_with_the_location_of_its_job(
    app: TestApp, schema: Schema, edition: str
) -> None:
    """/req/core/process-execute-success-async"""
    answer = app.post_json(ECHO, {"inputs": {"message": "m"}}, headers=ASYNC, status=201)
    schema(f"{edition}/statusInfo").validate(answer.json)
    job = app.get(answer.headers["Location"], status=200).json
    assert job["jobID"] == answer.json["jobID"]


@pytest.mark.parametrize("mode", ["value", "reference"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_document_is_json_of_results_yaml(app: TestApp, schema: Schema, mode: str, count: int) -> None:
    """/req/core/process-execute-sync-document"""
    wanted = ["message", "number"][:count]
    answer = app.post_json(
        ECHO,
        {
            "inputs": {"message": "m", "number": 2},
            "response": "document",
            "outputs": {name: {"transmissionMode": mode} for name in wanted},
        },
        status=200,
    )
    assert answer.content_type == "application/json"
    schema("part1-1.0/results").validate(answer.json)
    assert list(answer.json) == wanted
    if mode == "value":
        assert answer.json["message"] == "m"
    else:
        assert app.get(answer.json["message"]["href"]).text == "m"


def test_a_document_of_objects_and_files_is_results_yaml(app: TestApp, schema: Schema) -> None:
    """/req/core/process-execute-sync-document: objects and binary values are qualified"""
    found = run(
        app,
        GEO,
        {"thing": {"value": {"name": "n"}}, "document": {"value": "<a/>", "mediaType": "text/xml"}, "words": ["a"]},
    )
    schema("part1-1.0/results").validate(found)
    assert found["thing"]["value"] == {"name": "n"}
    assert found["document"] == {"value": "<a/>", "mediaType": "text/xml"}


def test_raw_by_value_of_one_output_is_the_output(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-value-one"""
    for name, value, media_type in (
        ("number", 1.5, "application/json"),
        ("list", [1, 2], "application/json"),
        ("flag", False, "application/json"),
    ):
        body = {
            "inputs": {"message": "m", name: value},
            "outputs": {name: {"transmissionMode": "value"}},
            "response": "raw",
        }
        answer = app.post_json(ECHO, body, status=200)
        assert (answer.content_type, answer.json) == (media_type, value)


def test_raw_by_value_has_the_media_type_of_the_description(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-value-one: media type as specified by the output definition"""
    described = app.get("/processes/echo-complex").json["outputs"]["complexOutput"]["schema"]["contentMediaType"]
    answer = app.post_json(
        "/processes/echo-complex/execution", {"inputs": {"complexInput": "some\ntext"}, "response": "raw"}, status=200
    )
    assert answer.content_type == described == "text/plain"
    assert answer.text == "some\ntext"


def test_raw_by_value_of_several_outputs_is_multipart_related(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-value-multi: one part for each output, with its id, media type and value"""
    image = b"II*\0--part\r\n" + bytes(range(256))
    inputs = {"message": "é\r\n", "number": 1, "list": [], "image": base64.b64encode(image).decode()}
    outputs = {name: {"transmissionMode": "value"} for name in inputs}
    parts = parse_multipart(app.post_json(ECHO, {"inputs": inputs, "response": "raw", "outputs": outputs}, status=200))
    assert set(parts) == set(inputs)
    assert parts["message"].get_payload(decode=True).decode() == "é\r\n"
    assert json.loads(parts["number"].get_payload()) == 1
    assert parts["number"].get_content_type() == "application/json"
    assert json.loads(parts["list"].get_payload()) == []
    assert parts["image"].get_content_type() == "image/tiff"
    assert parts["image"].get_payload(decode=True) == image


def test_raw_of_both_transmission_modes_is_multipart_with_locations(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-mixed-multi: by reference an empty part with Content-Location"""
    outputs = {"message": {"transmissionMode": "value"}, "list": {"transmissionMode": "reference"}}
    parts = parse_multipart(
        app.post_json(
            ECHO, {"inputs": {"message": "m", "list": [1]}, "response": "raw", "outputs": outputs}, status=200
        )
    )
    assert parts["message"].get_payload() == "m"
    assert parts["message"]["Content-Location"] is None
    assert parts["list"].get_payload() == ""
    assert app.get(parts["list"]["Content-Location"], status=200).json == [1]


@pytest.mark.parametrize("names", [["message"], ["message", "number"]])
def test_raw_by_reference_is_204_with_a_link_for_each_output(app: TestApp, names: list[str]) -> None:
    """/req/core/process-execute-sync-raw-ref"""
    outputs = {name: {"transmissionMode": "reference"} for name in names}
    answer = app.post_json(
        ECHO, {"inputs": {"message": "m", "number": 7}, "response": "raw", "outputs": outputs}, status=204
    )
    assert answer.body == b""
    hrefs = [href for rel, found in header_links(answer).items() if rel.endswith("results") for href in found]
    assert [app.get(href, status=200).body for href in hrefs] == [b"m", b"7"][: len(names)]
