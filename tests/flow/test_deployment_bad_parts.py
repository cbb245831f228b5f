"""Multipart bodies and content types that deploy nothing."""

import pytest
from webtest import TestApp

from tests.support.packages import deploy, described, multipart, shout


def parts(*names: str) -> tuple[str, bytes]:
    return multipart([({"Content-Location": name}, shout("bad")) for name in names])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--",
        b"--x--\r\n",
        b"--x\r\n\r\n",
        b"no boundary",
        b"--x\r\nContent-Type\r\n\r\nx\r\n--x--",
        b"--x\r\nA: b",
        b"--x\r\n--x--\r\n",
        b"--x\r\n\xff\xff: y\r\n\r\nx\r\n--x--",
        b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n--x--",
        b"--x\r\n\r\n\xff\r\n--x--",
        b"--x\r\nContent-Transfer-Encoding: gzip\r\n\r\nx\r\n--x--",
        b"--x\r\nContent-Disposition: form-data; filename*=x'y'%ff\r\n\r\nx\r\n--x--",
    ],
)
def test_broken_multipart_bodies(app: TestApp, body: bytes) -> None:
    assert deploy(app, body, 'multipart/related; boundary="x"', status=400).json["detail"]


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/related",
        "multipart/related; boundary=",
        "multipart/related; boundary=" + "x" * 71,
        'multipart/mixed; boundary="',
    ],
)
def test_multipart_without_a_boundary(app: TestApp, kind: str) -> None:
    deploy(app, parts("a.cwl")[1], kind, status=400)


@pytest.mark.parametrize(
    "names",
    [
        ("../a.cwl",),
        ("/etc/a.cwl",),
        ("a/../../b",),
        ("a\\b",),
        ("a", "a/b"),
        ("a", "a"),
        ("x" * 201,),
        ("a/",),
        ("%00",),
        ("a/b", "a"),
        (".",),
        *[tuple(f"f{number}" for number in range(201))],
    ],
)
def test_names_of_parts_that_lead_astray(app: TestApp, names: tuple) -> None:
    kind, body = parts(*names)
    answer = deploy(app, body, kind, status=400)
    assert "/package" not in answer.json["detail"]


def test_several_descriptions(app: TestApp) -> None:
    kind, body = multipart(
        [({"Content-Type": "application/json", "Content-Location": f"{name}.json"}, described(name)) for name in "ab"]
    )
    assert "a.json, b.json" in deploy(app, body, kind, status=400).json["detail"]
    deploy(app, described("alone"), "application/json", status=400)


@pytest.mark.parametrize(
    "kind", ["application/cwl; charset=utf-16", "application/json; charset=latin-1", "application/" + "x" * 300]
)
def test_content_types_that_are_not_taken(app: TestApp, kind: str) -> None:
    deploy(app, shout("bad"), kind, status=415)


def test_pages_of_others_change_nothing(app: TestApp) -> None:
    evil = {"Origin": "http://evil.example"}
    deploy(app, shout("bad"), headers=evil, status=403)
    for method in ("PUT", "PATCH", "DELETE"):
        app.request("/processes/bad", method=method, body=b"{}", headers=evil, status=403)
    app.get("/processes/bad", status=404)
