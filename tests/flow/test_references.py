"""Inputs and callbacks elsewhere: whatever the other side does, the job ends with a reason, and nothing private is reached."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from webtest import TestApp

from tests.support.client import finished
from tests.support.waiting import wait_until
from weaver_like.app import Service
from weaver_like.engines.base import ClosePolicy
from weaver_like.settings import load

COMPLEX, TEXT = "/processes/echo-complex/execution", {"Content-Type": "text/plain"}
PRIVATE = [
    "127.0.0.1",
    "localhost",
    "localhost.",
    "[::1]",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "127.1",
    "0.0.0.0",
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[fd00::1]",
    "[fe80::1]",
    "user@127.0.0.1",
    "example.org@10.0.0.1",
    "100.64.0.1",
]


def give(app: TestApp, href: str, process: str = "echo-complex", name: str = "complexInput", **more: object) -> dict:
    """Run a process on one reference; its final status."""
    inputs = {name: {"href": href, **more}} | ({"message": "m"} if process == "echo" and name != "message" else {})
    answer = app.post_json(
        f"/processes/{process}/execution", {"inputs": inputs}, headers={"Prefer": "respond-async"}, status=201
    )
    return finished(app, answer.json["jobID"])


def failed(app: TestApp, status: dict, *words: str, name: str = "complexInput") -> dict:
    """The problem of a job that failed because of its input: 400, names the input and the reason."""
    assert status["status"] == "failed", status
    problem = app.get(f"/jobs/{status['jobID']}/results", status=400).json
    assert problem["errors"][0]["pointer"].startswith(f"/inputs/{name}")
    for text in (problem["detail"], status["message"]):
        assert f"'{name}'" in text
        assert all(word in text for word in words), text
        assert "Traceback" not in text
    assert app.get(f"/jobs/{status['jobID']}/exceptions").json["exceptions"][0]["detail"] == problem["detail"]
    return problem


def refused(app: TestApp, href: str) -> dict:
    """The problem of a reference that is not even taken; no job is kept."""
    before = app.get("/jobs?limit=1").json["jobs"]
    answer = app.post_json(
        COMPLEX, {"inputs": {"complexInput": {"href": href}}}, headers={"Prefer": "respond-async"}, status=400
    )
    assert answer.json["errors"][0]["pointer"] == "/inputs/complexInput/href"
    assert app.get("/jobs?limit=1").json["jobs"] == before
    return answer.json


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


class Stream:
    """Answers one request with exactly these headers and bytes, then closes; `with Stream(...) as url`."""

    def __init__(self, headers: dict[str, str | None], body: bytes, status: str = "200 OK"):
        told = {"Content-Type": "text/plain", "Content-Length": str(len(body))} | headers
        head = [
            f"HTTP/1.1 {status}",
            *(f"{name}: {value}" for name, value in told.items() if value is not None),
            "",
            "",
        ]
        self._answer = "\r\n".join(head).encode("latin-1") + body
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)
        except OSError:
            pass  # nobody came, or the other side has had enough

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


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
    ("location", "word"),
    [
        ("/x", "redirects"),
        ("http://10.0.0.1/", "10.0.0.1"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://[::1]:1/", "::1"),
        ("file:///etc/passwd", "file"),
        ("ftp://example.org/x", "ftp"),
        ("http://[bad", ""),
        ("http://user@10.0.0.1/", "10.0.0.1"),
        ("//10.0.0.1/", "10.0.0.1"),
        ("http://0x0a000001/", ""),
        ("http://a..b/", ""),
        ("http://127.0.0.1:99999/", ""),
        ("data:,x", "data"),
        ("http://", ""),
    ],
)
@pytest.mark.parametrize("status", [301, 307])
def test_redirects_are_checked_like_first_addresses(
    app: TestApp, site: ThreadingHTTPServer, location: str, word: str, status: int
) -> None:
    site.pages["/x"] = (status, {"Location": location}, b"")
    failed(app, give(app, f"{site.url}/x"), word)


def test_a_few_redirects_are_followed(app: TestApp, site: ThreadingHTTPServer) -> None:
    site.pages |= {
        "/a": (302, {"Location": "b"}, b""),
        "/b": (308, {"Location": f"{site.url}/c"}, b""),
        "/c": (200, TEXT, b"hello"),
    }
    assert give(app, f"{site.url}/a")["status"] == "successful"


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused_before_anything_is_kept(make_app_once: TestApp, host: str) -> None:
    for url in (f"http://{host}/x", f"https://{host}:8443/x"):
        assert "private" in refused(make_app_once, url)["detail"]
        body = {"inputs": {"complexInput": "x"}, "subscriber": {"successUri": url}}
        answer = make_app_once.post_json(COMPLEX, body, status=400)
        assert answer.json["errors"][0]["pointer"].startswith("/subscriber")


@pytest.fixture(scope="module")
def make_app_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """An application that may reach nothing private; one for all who need it."""
    service = Service(
        load(
            overrides=[
                f"files.data_dir={tmp_path_factory.mktemp('strict')}",
                "processes.testing=true",
                "engine.workers=1",
            ]
        )
    )
    service.start()
    yield TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    service.stop(ClosePolicy.KILL)


@pytest.mark.parametrize(
    "href",
    [
        "",
        " ",
        "x",
        "/x",
        "//example.org/x",
        "../x",
        "ftp://example.org/x",
        "data:,x",
        "data:text/plain;base64,eA==",
        "javascript:alert(1)",
        "gopher://example.org/",
        "http:",
        "http://",
        "http:///x",
        "http://:80/",
        "http://[::1",
        "http://example.org:99999/",
        "mailto:a@b",
        "jar:http://a/",
        "\x00",
        "s3://bucket/x",
        "file:///etc/passwd",
        "file://example.org/etc/passwd",
        "file:etc/passwd",
        "FILE:///etc/passwd",
        "unix:/run/x",
        "://x",
        "urn:x:y",
    ],
)
def test_addresses_that_nobody_fetches_are_refused(app: TestApp, href: str) -> None:
    refused(app, href)


def test_files_of_open_folders_are_read_and_no_others(make_app: Callable, tmp_path: Path) -> None:
    """security.file_roots; every spelling is in tests/egress/test_local_files.py"""
    opened = tmp_path / "open"
    opened.mkdir()
    (opened / "a.txt").write_text("hello")
    (tmp_path / "secret.txt").write_text("sekret")
    (opened / "leak").symlink_to(tmp_path / "secret.txt")
    (opened / "loop").symlink_to(opened / "loop")
    application = make_app(f"security.file_roots={opened}")
    assert give(application, f"file://{opened}/a.txt")["status"] == "successful"
    failed(application, give(application, f"file://{opened}/nothing"))
    failed(application, give(application, f"file://{opened}"))
    for path in (
        f"{tmp_path}/secret.txt",
        f"{opened}/leak",
        f"{opened}/../secret.txt",
        f"{opened}/%2e%2e/secret.txt",
        f"{opened}/loop",
    ):
        refused(application, f"file://{path}")


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


@pytest.mark.parametrize(
    "href",
    [
        "http://user:sekret@127.0.0.1:1/",
        "http://127.0.0.1:1/?token=sekret",
        "http://127.0.0.1:1/?a=b&access_token=sekret",
        "http://u:p@sekret@127.0.0.1:1/",
        "http://u:" + "sekret" * 50 + "@127.0.0.1:1/",
        "ftp://user:sekret@example.org/",
        "http://user:sekret@10.0.0.1/",
        "http://user:sekret@127.0.0.1:99999/",
        "http://127.0.0.1:1/?X-Amz-Signature=sekret",
        "http://127.0.0.1:1/?sig=sekret",
    ],
)
def test_secrets_in_addresses_are_told_to_nobody(make_app: Callable, site: ThreadingHTTPServer, href: str) -> None:
    application = make_app("security.allowed_hosts=127.0.0.1", "log.level=DEBUG")
    body = {"inputs": {"complexInput": {"href": href}}}
    answer = application.post_json(COMPLEX, body, headers={"Prefer": "respond-async"}, expect_errors=True)
    texts = [answer.text]
    if answer.status_int == 201:
        job = f"/jobs/{answer.json['jobID']}"
        finished(application, answer.json["jobID"])
        texts += [
            application.get(job + path, expect_errors=True).text
            for path in ("", "/logs", "/exceptions", "/results", "/events")
        ]
    texts += [path.read_text("utf-8") for path in (application.service.settings.data_dir / "logs").glob("*.log")]
    assert not any("sekret" in text for text in texts)


def test_secrets_in_addresses_are_sent_where_they_belong(app: TestApp, site: ThreadingHTTPServer) -> None:
    site.pages["/x?token=sekret"] = (200, TEXT, b"hello")
    assert give(app, f"{site.url}/x?token=sekret")["status"] == "successful"
