"""Bytes on the wire that webtest cannot send: a real server must answer them with problem documents, and live on."""

import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.client import Served
from tests.support.raw_http import receive

ECHO = "/processes/echo/execution"
GOOD = b'{"inputs":{"message":"x"}}'


@pytest.fixture(scope="module", params=["waitress", "gunicorn"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here; it must be alive after each."""
    started = Served(
        tmp_path_factory.mktemp("server") / "data", "limits.body_bytes=100000", f"server.kind={request.param}"
    ).start()
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def alive(server: Served) -> Iterator[None]:
    before = server.get("/jobs?limit=10000")[1]["jobs"]
    yield
    assert server.process.poll() is None
    status, after, _ = server.get("/jobs?limit=10000")
    assert status == 200
    assert [job["jobID"] for job in after["jobs"]] == [job["jobID"] for job in before]


def talk(server: Served, *pieces: bytes, half_close: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; status, headers (small letters) and body of the first answer."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has answered before it read everything
        head, _, body = receive(connection).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def refused(answer: tuple[int, dict[str, str], bytes], *statuses: int) -> dict:
    """The problem document of an answer that must be one."""
    status, headers, body = answer
    assert status in statuses, (status, body[:300])
    assert headers["content-type"] == "application/problem+json", headers
    document = json.loads(body)
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert "Traceback" not in document["detail"]
    return document


def post(*headers: str, path: str = ECHO) -> bytes:
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers, "", ""]
    ).encode("latin-1")


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]).encode(
        "latin-1"
    )


def test_a_body_of_100_mb_is_413(server: Served) -> None:
    """What was really sent is read to its end, so that its sender sees the answer."""
    block = b" " * 10**6
    refused(talk(server, post("Content-Length: 100000000"), *[block] * 100), 413)


def test_a_chunked_body_over_the_limit_is_413(server: Served) -> None:
    block = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    refused(talk(server, post("Transfer-Encoding: chunked"), *[block] * 10, b"0\r\n\r\n"), 413)


@pytest.mark.parametrize("length", ["100001", "1000000000000", "9" * 30])
def test_an_announced_length_over_the_limit_is_413(server: Served, length: str) -> None:
    """The sender has stopped early, or never meant to send that much."""
    refused(talk(server, post(f"Content-Length: {length}", "Connection: close"), b" " * 100_001), 413)


@pytest.mark.parametrize("length", ["-1", "abc", "1.5", "0x10", "+5", "1 2", "1,2", "", "١"])
def test_lengths_that_are_none_are_400(server: Served, length: str) -> None:
    """RFC 9110 section 8.6"""
    head = (
        post("Connection: close", "Content-Length: ")
        .decode("latin-1")
        .replace("Content-Length: ", f"Content-Length: {length}")
        .encode("utf-8")
    )
    refused(talk(server, head, GOOD), 400)


def test_two_lengths_are_400(server: Served) -> None:
    """RFC 9112 section 6.3: one way to smuggle requests."""
    refused(talk(server, post("Content-Length: 5", "Content-Length: 26", "Connection: close"), GOOD), 400)


def test_a_length_and_chunks_do_not_make_two_requests_of_one(server: Served) -> None:
    """RFC 9112 section 6.1"""
    smuggled = b"0\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
    refused(
        talk(
            server,
            post(f"Content-Length: {len(smuggled)}", "Transfer-Encoding: chunked", "Connection: close"),
            smuggled,
        ),
        400,
    )


def test_without_a_length_the_body_is_empty(server: Served) -> None:
    refused(talk(server, post("Connection: close"), GOOD), 400)


def test_a_body_that_ends_early_leaves_no_job(server: Served) -> None:
    """Whoever goes away before the end has not submitted anything."""
    talked = socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), timeout=10)
    talked.sendall(post("Content-Length: 1000") + GOOD)
    talked.close()


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"5\r\nxxxxxxxxxx\r\n0\r\n\r\n", b"0x5\r\nxxxxx\r\n0\r\n\r\n"],
)
def test_bad_chunks_are_400(server: Served, chunks: bytes) -> None:
    refused(talk(server, post("Transfer-Encoding: chunked", "Connection: close"), chunks), 400, 413)


def test_an_unknown_transfer_coding_is_refused(server: Served) -> None:
    """RFC 9112 section 6.1 asks for 501."""
    refused(talk(server, post("Transfer-Encoding: x-zip", "Connection: close"), GOOD), 400, 501)


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1 x\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET http://[bad/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_problem(server: Served, text: bytes) -> None:
    answer = talk(server, text, half_close=True)
    if answer[0] == 200:
        assert text.startswith(
            (b"GET /\r\n", b"GET / HTTP/9.9")
        )  # HTTP/0.9 and versions to come are answered as well as can be
    else:
        refused(answer, 400, 404, 405)


@pytest.mark.parametrize("path", ["/" + "a" * 300_000, "/jobs?cursor=" + "a" * 300_000])
def test_very_long_urls_are_problems(server: Served, path: str) -> None:
    refused(talk(server, get(path)), 400, 414, 431)


@pytest.mark.parametrize(
    "path",
    [
        "/" + "a" * 100_000,
        "/jobs/" + "a" * 100_000,
        "/outputs/" + "a" * 100_000,
        "/outputs/" + "a/" * 50_000,
        "/jobs?cursor=" + "a" * 100_000,
        "/processes/" + "%41" * 30_000,
    ],
)
def test_long_urls_are_problems(server: Served, path: str) -> None:
    refused(talk(server, get(path)), 400, 404, 414)


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/%",
        "/jobs/%zz",
        "/jobs/%4",
        "/jobs/%00",
        "/jobs/%ff",
        "/jobs/\xe9",
        "/jobs/a%0d%0ab",
        "/./jobs",
        "/jobs/../nothing",
        "/outputs/..%2f..%2fetc%2fpasswd",
        "/outputs/../weaver_like.sqlite",
        "/outputs//etc/passwd",
        "/outputs/%2e%2e/weaver_like.sqlite",
        "/outputs/x%00",
        "/outputs/%ff",
        "/jobs/x#fragment",
        "/jobs/{x}",
        "/jobs/a b",
    ],
)
def test_odd_paths_are_problems(server: Served, path: str) -> None:
    refused(talk(server, get(path)), 400, 404)


@pytest.mark.parametrize("query", ["limit=%", "limit=%zz", "limit=%ff", "limit=\xe9", "limit=1&limit=2", "x=%00"])
def test_odd_queries_are_problems(server: Served, query: str) -> None:
    refused(talk(server, get(f"/jobs?{query}")), 400)


def test_too_many_headers_are_a_problem(server: Served) -> None:
    refused(talk(server, get("/", *[f"X-{number}: {'x' * 1000}" for number in range(400)])), 400, 431)


@pytest.mark.parametrize(
    "headers",
    [
        ["Prefer: " + "a;" * 50_000 + '"'],
        ["Accept: " + "a/b," * 20_000],
        ["Range: bytes=0-" + "9" * 50_000],
        ["Cookie: " + "a=b;" * 20_000],
        ["Accept: \xff\xfe"],
        ["Host: other"],
        ["Host: [bad"],
        ["Host: a b"],
        ['Host: x"><script>'],
        ["Host: a:b:c"],
        ["Host:"],
        ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: x"],
        ["Forwarded: for=x;host=evil.example"],
        ["Authorization: Basic \xff"],
        ["If-None-Match: " + '"x",' * 20_000],
        ["Expect: 200-maybe"],
        ["Upgrade: h2c", "HTTP2-Settings: x"],
    ],
)
def test_odd_headers_do_no_harm(server: Served, headers: list[str]) -> None:
    status, given, body = talk(server, get("/jobs/nothing", *headers))
    assert 400 <= status < 500, body[:300]
    assert given["content-type"] == "application/problem+json"
    assert b"evil.example" not in body


@pytest.mark.parametrize("host", ['x"><script>alert(1)</script>', "x>; rel=evil, <y", "a b", "user@x", "x/y", "[bad"])
def test_a_host_that_is_none_gets_into_no_link(server: Served, host: str) -> None:
    """RFC 9112 section 3.2: a server must answer 400 to an invalid Host."""
    text = get("/processes/echo").replace(b"Host: localhost", b"Host: " + host.encode())
    status, given, body = talk(server, text)
    assert status == 400 or (host not in given.get("link", "") and json.dumps(host)[1:-1].encode() not in body)


@pytest.mark.parametrize(
    "media_type",
    ["text/plain; a=\r\nX-Evil: 1", "text/plain; a=\r\n\r\n<script>", "text/plain; a=☃", "text/plain; a=\x00"],
)
@pytest.mark.parametrize("inputs", [{}, {"literalInput": "x"}])
def test_no_text_of_a_client_becomes_a_header(server: Served, media_type: str, inputs: dict) -> None:
    body = json.dumps({"inputs": inputs | {"complexInput": {"value": "x", "mediaType": media_type}}}).encode()
    answer = talk(
        server, post(f"Content-Length: {len(body)}", "Connection: close", path="/processes/wps-echo/execution"), body
    )
    assert "x-evil" not in answer[1]
    assert b"X-Evil: 1" not in answer[2].split(b"\r\n")
    refused(answer, 400)


def test_head_has_no_body_even_where_it_is_refused(server: Served) -> None:
    for path, status in (("/jobs/nothing", 404), ("/jobs?limit=0", 400), (ECHO, 405)):
        found, headers, body = talk(server, get(path).replace(b"GET", b"HEAD"), half_close=True)
        assert (found, body) == (status, b"")
        assert headers["content-type"] == "application/problem+json"


def test_the_log_of_the_server_holds_no_traceback(server: Served, request: pytest.FixtureRequest) -> None:
    """Runs last in this file: nothing above was an accident."""
    text = "".join(path.read_text("utf-8") for path in (server.folder / "logs").glob("*.log"))
    assert "Traceback" not in text, text[-3000:]


def test_a_body_over_the_limit_of_the_server_itself_is_413(serve: Callable[..., Served]) -> None:
    """Beyond what is read in any case the answer comes at once."""
    small = serve("limits.body_bytes=1000")
    refused(talk(small, post("Content-Length: 99999999999", "Connection: close")), 413)
