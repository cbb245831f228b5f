"""Inputs and callbacks elsewhere: whatever the other side does, the job
ends with a reason, and nothing private is reached."""

import gzip
import socket
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from urllib.parse import quote

import pytest
from webtest import TestApp

from tests.support.client import finished
from tests.support.references import COMPLEX, TEXT, Stream, failed, give
from tests.support.waiting import wait_until


def test_a_reference_is_fetched(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/core/process-execute-input-by-reference"""
    site.pages["/x.txt"] = (200, TEXT, b"hello")
    for href in (f"{site.url}/x.txt", f"{site.url}/x.txt#part", site.url.replace("http", "HTTP") + "/x.txt"):
        status = give(app, href)
        assert status["status"] == "successful"
        assert app.get(f"/jobs/{status['jobID']}/results").text == "hello"


@pytest.mark.parametrize("status", [204, 206, 300, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_other_statuses_fail_the_job(app: TestApp, site: ThreadingHTTPServer, status: int) -> None:
    site.pages["/x"] = (status, {}, b"" if status in (204, 304) else b"sorry")
    failed(app, give(app, f"{site.url}/x"), str(status))


def test_a_closed_port_fails_the_job(app: TestApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failed(app, give(app, f"http://127.0.0.1:{port}/x"), "refused")


@pytest.mark.parametrize(
    "href",
    [
        "http://nothing.invalid/x",
        "http://a..b/",
        "http://" + "a" * 70 + ".org/",
        "http://a b/",
        "http://*.invalid/",
        "http://exämple.invalid/",
    ],
)
def test_names_that_nobody_knows_fail_the_job_or_are_refused(app: TestApp, href: str) -> None:
    answer = app.post_json(
        COMPLEX, {"inputs": {"complexInput": {"href": href}}}, headers={"Prefer": "respond-async"}, expect_errors=True
    )
    if answer.status_int == 400:
        assert answer.json["errors"][0]["pointer"] == "/inputs/complexInput/href"
    else:
        failed(app, finished(app, answer.json["jobID"]))


@pytest.mark.parametrize(
    ("process", "name", "kind", "body"),
    [
        ("echo", "number", "application/json", b'"five"'),
        ("echo", "number", "text/plain", b"five"),
        ("echo", "list", "application/json", b'[1,"2"]'),
        ("echo", "flag", "application/json", b"1"),
        ("echo", "choice", "text/plain", b"z"),
        ("echo", "bbox", "application/json", b'{"bbox":[1,2,3]}'),
        ("echo", "bbox", "application/json", b"{"),
        ("geo-echo", "features", "application/geo+json", b"{}"),
        ("geo-echo", "features", "application/geo+json", b"<a/>"),
        ("geo-echo", "document", "application/json", b"{"),
        ("geo-echo", "document", "application/json", b"\xff\xfe"),
        ("geo-echo", "level", "application/json", b"11"),
        ("echo", "number", "application/json", b"[" * 900 + b"]" * 900),
        ("geo-echo", "thing", "application/json", b'{"name":' + b"[" * 400 + b"]" * 400 + b"}"),
        ("geo-echo", "document", "application/json", b"[" * 100_000),
        ("echo", "number", "application/json", b""),
        ("echo", "number", "application/json", b"1" + b"0" * 400),
    ],
)
def test_wrong_content_fails_the_job(
    app: TestApp, site: ThreadingHTTPServer, process: str, name: str, kind: str, body: bytes
) -> None:
    """/req/core/process-execute-input-validation holds for referenced values too."""
    site.pages["/x"] = (200, {"Content-Type": kind}, body)
    failed(app, give(app, f"{site.url}/x", process, name), name=name)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": None, "Connection": "close"}])
def test_files_over_the_limit_fail_the_job(make_app: Callable, site: ThreadingHTTPServer, headers: dict) -> None:
    """limits.file_bytes, whether the size was announced or not"""
    small = make_app("limits.file_bytes=1000", "security.allowed_hosts=127.0.0.1")
    with Stream(headers, b"x" * 1001) as url:
        failed(small, give(small, url), "1000")
    site.pages["/fits"] = (200, TEXT, b"x" * 1000)
    assert give(small, f"{site.url}/fits")["status"] == "successful"
    wait_until(lambda: not list(small.service.settings.work_dir.iterdir()), 5, "the removal of the work folders")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "100"}, b"x"),
        ({"Content-Length": "99999999999"}, b"x"),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, b"5\r\nhel"),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, b"5\r\nhello\r\n"),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, b"zz\r\nhello\r\n0\r\n\r\n"),
        ({"Content-Encoding": "gzip"}, b"no gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"hello" * 1000, mtime=0)[:-20]),
    ],
)
def test_a_truncated_or_broken_transfer_fails_the_job(app: TestApp, headers: dict, body: bytes) -> None:
    with Stream(headers, body) as url:
        failed(app, give(app, url))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"220 smtp ready\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"\x15\x03\x01",
    ],
)
def test_what_is_no_http_fails_the_job(app: TestApp, answer: bytes) -> None:
    server = Stream({}, b"")
    server._answer = answer
    with server as url:
        failed(app, give(app, url))


def test_a_file_that_is_sent_compressed_arrives_as_it_is(app: TestApp) -> None:
    """Some servers compress whether asked to or not; RFC 9110 section 8.4: Content-Length counts what is sent."""
    with Stream({"Content-Encoding": "gzip"}, gzip.compress(b"hello" * 100)) as url:
        status = give(app, url)
    assert status["status"] == "successful", status["message"]
    assert app.get(f"/jobs/{status['jobID']}/results").body == b"hello" * 100


def test_a_compressed_file_counts_unpacked(make_app: Callable) -> None:
    small = make_app("limits.file_bytes=100000", "security.allowed_hosts=127.0.0.1")
    with Stream({"Content-Encoding": "gzip"}, gzip.compress(b"\0" * 10**7)) as url:
        failed(small, give(small, url), "100000 bytes")


@pytest.mark.parametrize(
    "path",
    [
        "/" + quote("漢" * 100),
        "/" + "a" * 1000,
        "/",
        "/%00",
        "/a%2Fb",
        "/%2F%2Fetc%2Fpasswd",
        "/..%2F..%2Fx",
        "/incoming",
        "/-rf",
        "/a%0Ab",
    ],
)
def test_any_file_name_is_made_safe(app: TestApp, site: ThreadingHTTPServer, path: str) -> None:
    site.pages[path] = (200, TEXT, b"hello")
    status = give(app, site.url + path)
    assert status["status"] == "successful", status["message"]


@pytest.mark.parametrize(
    "disposition",
    [
        'attachment; filename="../../etc/passwd"',
        "attachment; filename*=utf-8''%2e%2e%2fx",
        'attachment; filename="' + "a" * 5000 + '"',
        "attachment; filename*=nonsense''x",
        'attachment; filename=""',
        "attachment; filename*0*=a; filename*1*=b",
        ";;;",
        "\xff\xfe",
        "attachment; filename*" + "9" * 5000 + "*=x",
    ],
)
@pytest.mark.parametrize("kind", ["text/plain", "text/plain;\r\n x=1", "text/plain; x=\xe9", "nonsense", "", ";"])
def test_odd_headers_of_others_do_no_harm(app: TestApp, disposition: str, kind: str) -> None:
    with Stream({"Content-Disposition": disposition, "Content-Type": kind}, b"hello") as url:
        status = give(app, url)
    assert status["status"] == "successful", status["message"]
    assert app.get(f"/jobs/{status['jobID']}/results").body == b"hello"


@pytest.mark.parametrize(
    "uri",
    [
        "http://a..b/",
        "http://" + "a" * 70 + "/",
        "http://nothing.invalid/",
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "http://a b/",
    ],
)
def test_a_callback_that_cannot_be_sent_stops_no_other(make_app: Callable, site: ThreadingHTTPServer, uri: str) -> None:
    """One bad subscriber must not silence the server for all others."""
    application = make_app("security.allowed_hosts=127.0.0.1")
    for subscriber in (uri, f"{site.url}/told"):
        application.post_json(
            COMPLEX, {"inputs": {"complexInput": "x"}, "subscriber": {"successUri": subscriber}}, expect_errors=True
        )
    wait_until(lambda: any(path == "/told" for path, *_ in site.received), 10, "the good callback")
