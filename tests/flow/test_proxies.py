"""`server.trusted_hops`: what X-Forwarded-* headers change, and that a client's own never count."""

from collections.abc import Callable

import pytest
from webtest import TestApp

from weaver_like.faces.proxies import Proxies

CLAIMED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "processes.example",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/ogc",
}
SEEN = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME")


def seen_behind(hops: int, **headers: str) -> list[str]:
    """What the application sees of a request: address of the client, scheme, host, prefix."""
    environ = {"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "HTTP_HOST": "inner:4001", "SCRIPT_NAME": ""}
    environ |= {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    Proxies(lambda _environ, _start: [], hops)(environ, lambda *_: None)
    assert not [name for name in environ if "FORWARDED" in name]
    return [environ[name] for name in SEEN]


def self_link(app: TestApp, headers: dict[str, str]) -> str:
    return app.get("/", headers=headers).json["links"][0]["href"]


def test_without_trusted_hops_the_headers_are_ignored(app: TestApp) -> None:
    assert self_link(app, CLAIMED) == "http://localhost/"


def test_links_follow_the_proxy(make_app: Callable) -> None:
    app = make_app("server.trusted_hops=1", "engine.workers=1")
    assert self_link(app, CLAIMED) == "https://processes.example:8443/ogc/"
    job = app.post_json(
        "/processes/greet/execution",
        {"inputs": {"name": "x"}},
        headers=CLAIMED | {"Prefer": "respond-async"},
        status=201,
    )
    assert job.headers["Location"].startswith("https://processes.example:8443/ogc/jobs/")
    refused = app.get("/", headers=CLAIMED | {"X-Forwarded-Host": "bad host"}, status=400)
    assert refused.content_type == "application/problem+json"


def test_a_page_of_the_public_host_may_post_through_the_proxy(make_app: Callable) -> None:
    app = make_app("server.trusted_hops=1", "engine.workers=1")
    headers = CLAIMED | {"Prefer": "respond-async", "Origin": "https://processes.example:8443"}
    app.post_json("/processes/greet/execution", {"inputs": {"name": "x"}}, headers=headers, status=201)
    app.post_json(
        "/processes/greet/execution",
        {"inputs": {"name": "x"}},
        headers=headers | {"Origin": "https://inner"},
        status=403,
    )


def test_the_public_url_of_the_settings_wins(make_app: Callable) -> None:
    app = make_app("server.trusted_hops=1", "server.url=https://public.example/api", "engine.workers=1")
    assert self_link(app, CLAIMED) == "https://public.example/api/"


@pytest.mark.parametrize(
    ("hops", "value", "believed"),
    [
        (0, "forged.example", "inner:4001"),
        (1, "forged.example, outer.example", "outer.example"),
        (2, "forged.example, outer.example, middle.example", "outer.example"),
        (2, "outer.example", "outer.example"),
        (1, "", "inner:4001"),
        (1, "x, ", "inner:4001"),
    ],
)
def test_values_count_from_the_right(hops: int, value: str, believed: str) -> None:
    assert seen_behind(hops, host=value)[2] == believed


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"for": "203.0.113.9"}, ["203.0.113.9", "http", "inner:4001", ""]),
        ({"for": "[2001:db8::1]"}, ["2001:db8::1", "http", "inner:4001", ""]),
        ({"for": "unknown"}, ["127.0.0.1", "http", "inner:4001", ""]),
        ({"proto": "HTTPS"}, ["127.0.0.1", "https", "inner:4001", ""]),
        ({"proto": "gopher"}, ["127.0.0.1", "http", "inner:4001", ""]),
        ({"port": "443", "proto": "https"}, ["127.0.0.1", "https", "inner", ""]),
        ({"port": "8080"}, ["127.0.0.1", "http", "inner:8080", ""]),
        ({"port": "8080; x"}, ["127.0.0.1", "http", "inner:4001", ""]),
        ({"host": "[2001:db8::1]", "port": "8080"}, ["127.0.0.1", "http", "[2001:db8::1]:8080", ""]),
        ({"prefix": "/a/b/"}, ["127.0.0.1", "http", "inner:4001", "/a/b"]),
        ({"prefix": "//evil.example"}, ["127.0.0.1", "http", "inner:4001", ""]),
        ({"prefix": "/"}, ["127.0.0.1", "http", "inner:4001", ""]),
    ],
)
def test_each_header_is_believed_only_where_it_makes_sense(headers: dict[str, str], expected: list[str]) -> None:
    assert seen_behind(1, **headers) == expected
