"""Whole requests: execute, in both modes and every form of answer."""

import base64
from email import message_from_bytes

import pytest
from webtest import TestApp

from tests.support.client import finished, submit

ECHO = "/processes/echo/execution"


def test_one_raw_value_is_the_value_itself(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-value-one"""
    answer = app.post_json("/processes/greet/execution", {"inputs": {"name": "Ada"}})
    assert answer.content_type == "text/plain"
    assert answer.text == "Hello Ada"


def test_several_raw_values_are_multipart_related(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-value-multi"""
    answer = app.post_json(ECHO, {"inputs": {"message": "hé", "flag": False, "number": 2**53 + 1}})
    parts = parse_multipart(answer)
    assert parts["message"].get_payload(decode=True).decode() == "hé"
    assert parts["flag"].get_payload() == "false"
    assert parts["number"].get_payload() == str(2**53 + 1)


def test_mixed_transmission_gives_an_empty_part_with_its_location(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-mixed-multi"""
    answer = app.post_json(
        ECHO,
        {
            "inputs": {"message": "m", "number": 1},
            "response": "raw",
            "outputs": {"message": {"transmissionMode": "reference"}, "number": {"transmissionMode": "value"}},
        },
    )
    parts = parse_multipart(answer)
    assert parts["message"].get_payload() == ""
    assert app.get(parts["message"]["Content-Location"]).text == "m"
    assert parts["number"].get_payload() == "1"


def test_raw_by_reference_is_204_with_links(app: TestApp) -> None:
    """/req/core/process-execute-sync-raw-ref"""
    answer = app.post_json(
        ECHO,
        {"inputs": {"message": "m"}, "response": "raw", "outputs": {"message": {"transmissionMode": "reference"}}},
        status=204,
    )
    links = answer.headers.getall("Link")
    href = next(link for link in links if "results" in link).partition(">")[0][1:]
    assert app.get(href).text == "m"


@pytest.mark.parametrize(
    "value",
    [
        {"message": ""},
        {"message": '☃ \U0001f600 \\ " \n'},
        {"number": 0},
        {"number": -1.5e-300},
        {"number": 9007199254740993},
        {"number": 0.1},
        {"flag": False},
        {"flag": True},
        {"list": []},
        {"list": [9223372036854775807, -9223372036854775808]},
        {"choice": "c"},
        {"bbox": {"bbox": [1, 2.5, 3, 4]}},
        {"bbox": {"bbox": [1, 2, 3, 4, 5, 6], "crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h"}},
    ],
)
def test_nothing_is_lost_on_the_way(app: TestApp, value: dict) -> None:
    inputs = {"message": "x"} | value
    answer = app.post_json(ECHO, {"inputs": inputs, "response": "document"})
    assert answer.json == inputs
    assert repr(answer.json) == repr(inputs)


def test_a_binary_value_comes_back_as_its_bytes(app: TestApp) -> None:
    """/req/core/process-execute-input-inline-binary"""
    image = bytes(range(256)) * 3
    body = {
        "inputs": {
            "message": "x",
            "image": {
                "value": base64.b64encode(image).decode(),
                "format": {"mediaType": "image/tiff; application=geotiff", "encoding": "base64"},
            },
        },
        "outputs": {"image": {}},
    }
    answer = app.post_json(ECHO, body)
    assert answer.content_type == "image/tiff"
    assert answer.body == image
    document = app.post_json(ECHO, body | {"response": "document"}).json
    assert base64.b64decode(document["image"]["value"]) == image


def test_no_outputs_wanted_is_204(app: TestApp) -> None:
    """2.0 /req/core/process-execute-success-sync-empty-outputs"""
    assert app.post_json(ECHO, {"inputs": {"message": "x"}, "outputs": {}}, status=204).body == b""


def test_asynchronous_execution_ends_in_the_same_results(app: TestApp) -> None:
    """/req/core/process-execute-success-async, /req/core/job-results-async-document"""
    job_id = submit(app, "echo", {"message": "m", "flag": False}, response="document")
    assert finished(app, job_id)["status"] == "successful"
    assert app.get(f"/jobs/{job_id}/results").json == {"message": "m", "flag": False}


def parse_multipart(answer: object) -> dict:
    """Parts of a multipart answer by Content-ID."""
    message = message_from_bytes(
        b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.body
    )
    assert message.get_content_type() == "multipart/related"
    return {part["Content-ID"]: part for part in message.get_payload()}
