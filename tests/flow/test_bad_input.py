"""Bad requests: a clear 4xx with every fault, and no trace of them is kept."""

import json
from collections.abc import Callable

import pytest
from webtest import TestApp, TestResponse

from tests.support.client import finished, submit
from weaver_like.domain.errors import EXCEPTIONS, PART1

ECHO, COMPLEX = "/processes/echo/execution", "/processes/echo-complex/execution"
JOB = "/jobs/3a6bb5a1-9f5c-4d6c-9a43-9d2b2a4f0c11"
PAGES = ["/", "/conformance", "/api", "/plugins", "/processes", "/processes/echo", "/jobs"]
OF_A_JOB = ["", "/results", "/results/message", "/inputs", "/outputs", "/logs", "/events", "/exceptions", "/statistics"]


def problem(answer: TestResponse, status: int, media_type: str = "application/problem+json") -> dict:
    """The problem document of an answer that must be one."""
    assert answer.status_int == status, answer.text[:500]
    assert answer.content_type == media_type
    document = json.loads(answer.body)
    assert document["status"] == status
    assert document["type"] == "about:blank" or document["type"].startswith(EXCEPTIONS)
    assert document["title"]
    assert document["detail"].strip()
    assert all(set(fault) == {"pointer", "detail"} for fault in document.get("errors", []))
    return document


def newest(app: TestApp) -> list:
    return [job["jobID"] for job in app.get("/jobs?limit=1").json["jobs"]]


@pytest.fixture
def refuse(app: TestApp) -> Callable[..., dict]:
    """Sends an execute request that must be refused, in both modes, without a trace: `refuse(body, "echo", 400)`; the problem."""

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
    body = (
        '{"inputs":{"thing":{"name":"%s","deep":%s}}}' % (name, nested)
        if target == "thing"
        else '{"inputs":{"level":%s}}' % nested
    )  # noqa: UP031
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
    """/req/core/process-execute-input-validation; all faults at once. The whole table is in tests/schemas/test_validators.py."""
    document = refuse({"inputs": inputs}, process)
    assert sorted(fault["pointer"] for fault in document["errors"]) == sorted(wanted)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"outputs": {"nothing": {}}}, "/outputs/nothing"),
        ({"outputs": {"message": {"transmissionMode": "x"}}}, "/outputs"),
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


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "Echo",
        "echo ",
        "%00",
        "..",
        "%2e%2e",
        "echo%2f",
        "echo;x",
        "'",
        "a" * 5000,
        "%F0%9F%98%80",
        "-",
        "echo%0A",
    ],
)
def test_unknown_processes(app: TestApp, name: str) -> None:
    """/req/core/process-exception-no-such-process"""
    for answer in (
        app.get(f"/processes/{name}", expect_errors=True),
        app.post_json(f"/processes/{name}/execution", {}, expect_errors=True),
    ):
        assert problem(answer, 404)["type"] in (PART1 + "no-such-process", "about:blank")
    assert problem(app.get("/processes/nothing", expect_errors=True), 404)["type"] == PART1 + "no-such-process"


@pytest.mark.parametrize(
    "name",
    [
        "3a6bb5a1-9f5c-4d6c-9a43-9d2b2a4f0c11",
        "1",
        "x",
        "%00",
        "a%00b",
        "'%20or%20'1'='1",
        "a" * 5000,
        "%F0%9F%98%80",
        "%0d%0aX-Evil:1",
        "%2e%2e",
        "*",
        "null",
        "-1",
        "%E2%80%AE",
        "{job}",
    ],
)
@pytest.mark.parametrize("path", OF_A_JOB)
def test_unknown_jobs(app: TestApp, name: str, path: str) -> None:
    """/req/core/job-exception-no-such-job"""
    assert problem(app.get(f"/jobs/{name}{path}", expect_errors=True), 404)["type"] in (
        PART1 + "no-such-job",
        "about:blank",
    )
    if not path:
        assert problem(app.delete(f"/jobs/{name}", expect_errors=True), 404)["type"] in (
            PART1 + "no-such-job",
            "about:blank",
        )


@pytest.mark.parametrize(
    "path",
    [
        "/%ff",
        "/jobs/%ff",
        "/jobs/%ed%a0%80",
        "/processes/%c0%ae",
        "/outputs/%ff/%fe",
        "/jobs/x/results/%ff",
        "/processes/%ff/execution",
    ],
)
def test_paths_that_are_not_utf8(app: TestApp, path: str) -> None:
    problem(app.get(path, expect_errors=True), 400)


@pytest.mark.parametrize("output", ["nothing", "Message", "%00", "a" * 5000, "..", "%2e%2e", "'", "%F0%9F%98%80"])
def test_unknown_outputs(app: TestApp, output: str) -> None:
    """2.0 draft, /req/core/job-result-exception-no-such-output"""
    job = submit(app, "echo", {"message": "x"})
    finished(app, job)
    assert app.get(f"/jobs/{job}/results/{output}", expect_errors=True).status_int in (400, 404)
    problem(app.get(f"/jobs/{job}/results?outputs=nothing", expect_errors=True), 400)


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../",
        "../weaver_like.sqlite",
        "%2e%2e/weaver_like.sqlite",
        "..%2fweaver_like.sqlite",
        "x/../../weaver_like.sqlite",
        "",
        "/",
        "x/..",
        ".",
        "%00",
        "x%00y",
        "a" * 300,
        "a/" * 2000,
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "..%5cx",
        "%F0%9F%98%80",
        "~",
        "CON",
        "%C3%A9" * 200,
    ],
)
def test_files_that_are_none(app: TestApp, path: str) -> None:
    problem(app.get("/outputs/" + path, expect_errors=True), 404)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "query", ["unknown=1", "f=json&f=html", "f=xml", "f=", "f=%", "f=%ff", "=", "%00=1", "f=json&x", "a=1&" * 200]
)
def test_bad_query_parameters(app: TestApp, path: str, query: str) -> None:
    """/req/core/query-param-invalid, -unknown. The whole table is in tests/schemas/test_query.py."""
    answer = app.get(f"{path}?{query}", expect_errors=True)
    assert problem(answer, 400)["type"] == PART1 + "invalid-query-parameter-value"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=abc",
        "limit=1e3",
        "limit=",
        "limit=1_0",
        "limit=%D9%A3",
        "datetime=x",
        "datetime=",
        "cursor=x",
        "cursor=",
        "status=x",
        "type=x",
        "minDuration=x",
        "processID=",
        "limit=1&limit=1",
    ],
)
def test_bad_query_parameters_of_the_job_list(app: TestApp, query: str) -> None:
    answer = app.get(f"/jobs?{query}", expect_errors=True)
    assert problem(answer, 400)["errors"][0]["pointer"] == query.partition("=")[0]


@pytest.mark.parametrize(
    "query",
    [
        "limit=10001",
        "limit=999999999",
        "processID=nothing",
        "processID=" + ",".join(map(str, range(60_000))),
        "processID=%00",
        "cursor=999999999999999999.a",
        "datetime=0001-01-01/9999-12-31",
        "minDuration=999999999",
        "processID='%20or%201=1",
    ],
)
def test_odd_but_good_query_parameters_of_the_job_list(app: TestApp, query: str) -> None:
    assert len(app.get(f"/jobs?{query}").json["jobs"]) <= 10_000


def test_a_page_link_keeps_parameters_in_every_spelling(app: TestApp) -> None:
    for number in range(3):
        submit(app, "greet", {"name": str(number)})
    links = app.get("/jobs?%6Cimit=1&process%49D=greet").json["links"]
    following = next(link["href"] for link in links if link["rel"] == "next")
    assert "limit=1" in following
    assert "processID=greet" in following


#: Path -> what may be done there beside looking.
MORE = {JOB: {"DELETE"}, "/processes": {"POST"}, "/processes/echo": {"PUT", "PATCH", "DELETE"}, "/schedules": {"POST"}}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [*PAGES, *(JOB + path for path in OF_A_JOB), "/outputs/a/b"])
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_other_methods_are_405_with_allow(app: TestApp, method: str, path: str) -> None:
    """RFC 9110 section 15.5.6"""
    if method in MORE.get(path, ()):
        return
    answer = app.request(path, method=method, expect_errors=True)
    problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", *MORE.get(path, ())}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_execution_is_post_only(app: TestApp, method: str) -> None:
    for path in (ECHO, "/processes/echo/jobs"):
        answer = app.request(path, method=method, expect_errors=True)
        problem(answer, 405)
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "accept", ["image/png", "application/json;q=0", "text/*;q=0, image/*", "application/xml", "*/*;q=0"]
)
def test_an_accept_that_nobody_can_satisfy_is_406(app: TestApp, accept: str) -> None:
    """RFC 9110 section 15.5.7"""
    job = submit(app, "echo", {"message": "x"}, response="document")
    finished(app, job)
    for path in [
        *PAGES,
        *(
            f"/jobs/{job}{path}"
            for path in ("", "/inputs", "/outputs", "/logs", "/exceptions", "/statistics", "/results/message")
        ),
    ]:
        problem(app.get(path, headers={"Accept": accept}, expect_errors=True), 406)


def test_an_execute_request_whose_answer_is_not_acceptable_leaves_no_job(app: TestApp) -> None:
    """Else a job would run whose id its sender never hears."""
    before = newest(app)
    for prefer in ("respond-async", "wait=0"):
        answer = app.post_json(
            ECHO, {"inputs": {"message": "x"}}, headers={"Accept": "image/png", "Prefer": prefer}, expect_errors=True
        )
        problem(answer, 406)
    assert newest(app) == before


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/json"),
        ("application/json, */*", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("application/problem+json, application/json", "application/problem+json"),
        ("text/html", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("image/png", "application/problem+json"),
        ("nonsense", "application/problem+json"),
        (";;,,/", "application/problem+json"),
        ("", "application/problem+json"),
        ("\xff", "application/problem+json"),
        ("application/json;q=0.1", "application/json"),
        ("text/html;q=0.1, application/json", "application/json"),
        ("a/b," * 5000, "application/problem+json"),
    ],
)
def test_the_media_type_of_an_error(app: TestApp, accept: str | None, wanted: str) -> None:
    for path, status in (("/jobs/nothing", 404), ("/nothing", 404), ("/jobs?limit=0", 400)):
        answer = app.get(path, headers={} if accept is None else {"Accept": accept}, expect_errors=True)
        assert (answer.status_int, answer.content_type) == (status, wanted)


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": '"'},
        {"Prefer": ";;;"},
        {"Prefer": "wait=x, return=y, handling=z"},
        {"Prefer": "wait=-1"},
        {"Prefer": "\xff"},
        {"Prefer": "wait=" + "9" * 5000},
        {"Accept-Language": "nonsense"},
        {"Accept-Encoding": "x;q=z"},
        {"Accept-Charset": "utf-7"},
        {"If-Match": '"x"'},
        {"If-Modified-Since": "x"},
        {"Range": "x"},
        {"Cookie": "=;=;\xff"},
        {"Authorization": "Basic !!!"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_odd_headers_do_no_harm(app: TestApp, headers: dict) -> None:
    answer = app.post_json(ECHO, {"inputs": {"message": "x"}}, headers=headers, expect_errors=True)
    assert answer.status_int < 500


def test_strict_preferences_that_cannot_be_honoured_leave_no_job(app: TestApp) -> None:
    """RFC 7240 section 4.4"""
    before = newest(app)
    problem(
        app.post_json(
            ECHO, {"inputs": {"message": "x"}}, headers={"Prefer": "handling=strict, wait=99999"}, expect_errors=True
        ),
        400,
    )
    assert newest(app) == before


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://[bad",
        "http://localhost.evil.example",
        "x",
        "http://[::1",
        "\xff",
        "http://localhost:99999999",
    ],
)
def test_pages_of_others_change_nothing(app: TestApp, origin: str) -> None:
    before = newest(app)
    problem(app.post_json(ECHO, {"inputs": {"message": "x"}}, headers={"Origin": origin}, expect_errors=True), 403)
    assert newest(app) == before


@pytest.mark.parametrize(
    ("name", "value", "statuses"),
    [
        ("Range", "bytes=0-" + "9" * 5000, {200, 206}),
        ("Range", "bytes=" + "9" * 5000 + "-", {200, 416}),
        ("Range", "bytes=-" + "9" * 5000, {200, 206}),
        ("Range", "bytes=5-", {416}),
        ("Range", "bytes=3-1", {200, 416}),
        ("Range", "bytes=-0", {416}),
        ("Range", "bytes=-", {200}),
        ("Range", "lines=0-1", {200}),
        ("Range", "bytes=0-1,3-4", {200, 206}),
        ("Range", "bytes=a-b", {200}),
        ("Range", "bytes=-1", {206}),
        ("Range", "bytes=0-0", {206}),
        ("Range", "", {200}),
        ("If-Modified-Since", "x", {200}),
        ("If-Modified-Since", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", {200}),
        ("If-Modified-Since", "\xff", {200}),
        ("If-Modified-Since", "Mon, 01 Jan 0001 00:00:00 GMT", {200}),
        ("If-Modified-Since", "Mon, 01 Jan 2020 00:00:00 +99999999999999999999", {200}),
        ("If-Modified-Since", "Fri, 31 Dec 9999 23:59:59 -2359", {200, 304}),
        ("If-None-Match", "*", {304}),
        ("If-None-Match", ',,"', {200}),
        ("If-None-Match", "\xff", {200}),
    ],
)
def test_odd_conditions_on_a_file(app: TestApp, name: str, value: str, statuses: set[int]) -> None:
    """RFC 9110 sections 13 and 14: what is not understood is ignored."""
    job = submit(app, "echo-complex", {"complexInput": "hello"})
    assert finished(app, job)["status"] == "successful"
    for path in (app.get(f"/jobs/{job}/outputs").json["outputs"][0]["href"], f"/jobs/{job}/results/complexOutput"):
        answer = app.get(path, headers={name: value}, expect_errors=True)
        assert answer.status_int in statuses
        assert answer.status_int != 206 or b"hello".find(answer.body) >= 0
