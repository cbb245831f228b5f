"""Bad requests: a clear 4xx with every fault, and no trace of them is kept."""

import json
from collections.abc import Callable

import pytest
from webtest import TestApp

from tests.support.problems import COMPLEX, ECHO, newest, problem


@pytest.fixture
def refuse(app: TestApp) -> Callable[..., dict]:
    """Sends an execute request that must be refused, in both modes, without a
    trace: `refuse(body, "echo", 400)`; the problem."""

    def send(body: object, process: str = "echo", status: int = 400, kind: str = "application/json") -> dict:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        before = newest(app)
        for prefer in ("respond-async", "wait=5"):
            headers = {"Content-Type": kind, "Prefer": prefer}
            document = problem(
                app.post(f"/processes/{process}/execution", raw, headers=headers, expect_errors=True), status
            )
        assert newest(app) == before
        return document

    return send


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"inputs":',
        b"5",
        b"null",
        b"[]",
        b'"x"',
        b"true",
        b"NaN",
        b'{"inputs":{"message":NaN}}',
        b'{"inputs":{"number":Infinity}}',
        b'{"inputs":{"number":1e400}}',
        b'{"inputs":{"message":"\\ud800"}}',
        b'{"inputs":{"message":"\xff"}}',
        b"\xef\xbb\xbf" + b'{"inputs":{"message":"x"}}',
        '{"inputs":{"message":"x"}}'.encode("utf-16"),
        '{"inputs":{"message":"x"}}'.encode("utf-32"),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"inputs":' * 50_000,
        b'{"inputs":{"message":"x"}}}',
        b'{"inputs":{"message":"x"}} x',
        b"<execute/>",
        b"\x00",
        b"inputs=message",
        b"message: x",
        b'{"inputs":{"message":"x"},"surplus":1}',
        b'{"Inputs":{"message":"x"}}',
        b'{"message":"x"}',
        b'{"inputs":null}',
        b'{"inputs":"message"}',
        b'{"inputs":[5]}',
        b'{"inputs":{"number":1' + b"0" * 5000 + b"}}",
    ],
)
def test_bodies_that_are_no_execute_request(refuse: Callable, body: bytes) -> None:
    """/req/core/process-execute-request"""
    assert refuse(body)["errors"]


@pytest.mark.parametrize("depth", [300, 500, 900, 990, 1010])
@pytest.mark.parametrize("name", ["x", "1234567890123456789"])
@pytest.mark.parametrize("target", ["thing", "level"])
def test_deep_values_are_refused_or_given_back(app: TestApp, depth: int, name: str, target: str) -> None:
    """No depth between the limits of two readers is a fault of the server."""
    nested = "[" * depth + "]" * depth
    bodies = {
        "thing": '{"inputs":{"thing":{"name":"NAME","deep":NESTED}}}',
        "level": '{"inputs":{"level":NESTED}}',
    }
    body = bodies[target].replace("NAME", name).replace("NESTED", nested)
    answer = app.post(
        "/processes/geo-echo/execution", body.encode(), headers={"Content-Type": "application/json"}, expect_errors=True
    )
    assert answer.status_int in (200, 400), answer.text[:300]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
        "*/*",
        "application/jsonx",
        "/",
        ";",
        "application/json+xml",
    ],
)
def test_other_content_types_are_415(refuse: Callable, kind: str) -> None:
    refuse({"inputs": {"message": "x"}}, status=415, kind=kind)


def test_of_a_name_that_comes_twice_nothing_is_lost_silently(app: TestApp) -> None:
    """RFC 8259 section 4: such text is either refused, or its last value counts."""
    answer = app.post(
        ECHO,
        b'{"inputs":{"message":"a","message":"b"}}',
        headers={"Content-Type": "application/json"},
        expect_errors=True,
    )
    assert answer.status_int == 400 or b"b" in answer.body


def test_a_body_over_the_limit_is_413(make_app: Callable) -> None:
    small = make_app("limits.body_bytes=1000")
    answer = small.post_json(ECHO, {"inputs": {"message": "x" * 1000}}, expect_errors=True)
    problem(answer, 413)
    assert small.get("/jobs").json["jobs"] == []
    small.post_json(ECHO, {"inputs": {"message": "x" * 900}}, status=200)


@pytest.mark.parametrize(
    ("process", "inputs", "wanted"),
    [
        ("echo", {}, ["/inputs/message"]),
        ("greet", {}, ["/inputs/name"]),
        ("pair-echo", {}, ["/inputs/pair"]),
        ("echo-complex", {}, ["/inputs/complexInput"]),
        ("echo", {"message": None}, ["/inputs/message"]),
        ("greet", {"name": "x", "nmae": "y"}, ["/inputs/nmae"]),
        ("greet", {"name": ["x", "y"]}, ["/inputs/name"]),
        ("echo", {"message": "x", "pause": -1}, ["/inputs/pause"]),
        ("echo", {"message": "x", "image": "!"}, ["/inputs/image"]),
        ("echo", {"message": "x", "bbox": {"bbox": [1, 2, 3]}}, ["/inputs/bbox/bbox"]),
        ("pair-echo", {"pair": []}, ["/inputs/pair"]),
        ("echo", {"message": "x", "bbox": {"bbox": [1, 2, 3, 4, 5]}}, ["/inputs/bbox/bbox"]),
        ("pair-echo", {"pair": ["a"]}, ["/inputs/pair"]),
        ("echo", {"message": "x", "bbox": {"bbox": ["1", 2, 3, 4]}}, ["/inputs/bbox/bbox"]),
        ("pair-echo", {"pair": ["a", "b", "c"]}, ["/inputs/pair"]),
        ("echo", {"message": "x", "bbox": {"bbox": [True, 2, 3, 4]}}, ["/inputs/bbox/bbox"]),
        ("wps-echo", {"multiInput": ["a"] * 3}, ["/inputs/multiInput"]),
        ("wps-echo", {"enumInput": "z"}, ["/inputs/enumInput"]),
        ("geo-echo", {"level": 11}, ["/inputs/level"]),
        ("sleep", {"delay": -1}, ["/inputs/delay"]),
        ("fail", {"message": 5}, ["/inputs/message"]),
        ("geo-echo", {"document": {"value": "x", "mediaType": "image/png"}}, ["/inputs/document"]),
        (
            "echo",
            {"number": "1", "flag": "no", "surplus": 1},
            ["/inputs/message", "/inputs/number", "/inputs/flag", "/inputs/surplus"],
        ),
    ],
)
def test_inputs_that_do_not_fit(refuse: Callable, process: str, inputs: dict, wanted: list[str]) -> None:
    """/req/core/process-execute-input-validation; all faults at once. The whole
    table is in tests/schemas/test_validators.py."""
    document = refuse({"inputs": inputs}, process)
    assert sorted(fault["pointer"] for fault in document["errors"]) == sorted(wanted)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"outputs": {"nothing": {}}}, "/outputs/nothing"),
        ({"outputs": {"message": {"transmissionMode": "x"}}}, "/outputs/message/transmissionMode"),
        ({"outputs": {"message": {"format": {"schema": 5}}}}, "/outputs/message/format/schema"),
        ({"outputs": [{"id": "message"}, {"id": 5}]}, "/outputs/1/id"),
        ({"inputs": [{"id": "message", "value": "x"}, {"value": "y"}]}, "/inputs/1"),
        ({"outputs": {"message": {"format": {"mediaType": "image/png"}}}}, "/outputs/message"),
        ({"outputs": {"number": {"mediaType": "image/png"}}}, "/outputs/number"),
        ({"outputs": {"list": {"format": {"mediaType": "text/plain"}}}}, "/outputs/list"),
        ({"outputs": "message"}, "/outputs"),
        ({"outputs": {"image": {"format": {"mediaType": "image/png"}}}}, "/outputs/image"),
        ({"response": "x"}, "/response"),
        ({"priority": 100}, "/priority"),
        ({"subscriber": {"successUri": "here"}}, "/subscriber/successUri"),
        ({"subscriber": {"successUri": "http://10.0.0.1/"}}, "/subscriber"),
        ({"subscriber": {"successUri": "file:///etc/passwd"}}, "/subscriber"),
        ({"subscriber": {"failedUri": "javascript:alert(1)"}}, "/subscriber"),
        ({"subscriber": {"inProgressUri": "http://169.254.169.254/"}}, "/subscriber"),
        ({"subscriber": {"successUri": "http://[::ffff:10.0.0.1]/"}}, "/subscriber"),
        ({"subscriber": {"successUri": "http://0x0a000001/"}}, "/subscriber"),
        ({"subscriber": {"successUri": "http://a..b/"}}, "/subscriber"),
    ],
)
def test_other_members_that_do_not_fit(refuse: Callable, more: dict, pointer: str) -> None:
    document = refuse({"inputs": {"message": "x"}} | more)
    assert all(fault["pointer"].startswith(pointer) for fault in document["errors"])


def test_a_media_type_cannot_add_headers(app: TestApp) -> None:
    """What a client says about its input comes back as Content-Type: line ends in it would be headers of ours."""
    for media_type in ("text/plain; a=\r\nX-Evil: 1", "text/plain; a=\n", "text/plain; a=\x00", "text/plain; a=☃"):
        given = {"value": "x", "mediaType": media_type}
        problem(app.post_json(COMPLEX, {"inputs": {"complexInput": given}}, expect_errors=True), 400)
        problem(
            app.post_json(
                "/processes/wps-echo/execution",
                {"inputs": {"complexInput": given, "literalInput": "x"}},
                expect_errors=True,
            ),
            400,
        )


@pytest.mark.parametrize("pause", [10**10, 2**63, 10**30])
def test_no_number_of_seconds_breaks_the_test_process(app: TestApp, pause: int) -> None:
    answer = app.post_json(
        ECHO, {"inputs": {"message": "x", "pause": pause}}, headers={"Prefer": "wait=1"}, expect_errors=True
    )
    assert answer.status_int in (201, 400), answer.text[:300]
    if answer.status_int == 201:
        app.delete(f"/jobs/{answer.json['jobID']}")
