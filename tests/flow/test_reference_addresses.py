"""Addresses of inputs: what may be reached, what is refused, and that their secrets stay secret."""

from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished
from tests.support.references import COMPLEX, TEXT, failed, give, refused
from weaver_like.app import Service
from weaver_like.engines.base import ClosePolicy
from weaver_like.settings import load

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
