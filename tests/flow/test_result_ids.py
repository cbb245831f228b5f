"""Outputs whose ids no header and no path holds as they are: their links work, and the ids can be read back."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from urllib.parse import quote, unquote

import pytest
from webtest import TestApp

from tests.support.applications import make_service
from tests.support.client import finished, submit
from tests.support.plugin_makers import HEAD, write
from weaver_like.engines.base import ClosePolicy

VALUES = {
    "結果": "Ergebnis",
    "größe": "1.5 m",
    "a": "first",
    "a/b": "second",
    "a/b/c": "third",
    "v1.0": "fourth",
    "v1": "fifth",
    'q"u\\o': "sixth",
    "100%": "seventh",
    "%31": "eighth",
    "x y": "ninth",
    "плод": "tenth",
}
PLUGIN = f"""{HEAD}
VALUES = {json.dumps(VALUES)}
@process(id="named", outputs=dict.fromkeys(VALUES, str))
def named() -> dict:
    return VALUES
"""
REFERENCE = {name: {"transmissionMode": "reference"} for name in VALUES}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    folder = tmp_path_factory.mktemp("named")
    write(folder / "plugins", {"named.py": PLUGIN})
    service = make_service(folder, "engine.workers=1")
    yield TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    service.stop(ClosePolicy.KILL)


@pytest.fixture(scope="module")
def job(named: TestApp) -> str:
    job_id = submit(named, "named")
    assert finished(named, job_id)["status"] == "successful"
    return job_id


@pytest.mark.parametrize("name", VALUES)
def test_an_id_is_one_segment_of_a_path(named: TestApp, job: str, name: str) -> None:
    assert named.get(f"/jobs/{job}/results/{quote(name, safe='')}").text == VALUES[name]
    narrowed = named.get(f"/jobs/{job}/results?f=json&outputs={quote(name, safe='')}").json
    assert narrowed == {name: VALUES[name]}


def test_links_in_documents_lead_to_their_outputs(named: TestApp, job: str) -> None:
    listed = named.get(f"/jobs/{job}/outputs").json["outputs"]
    assert {entry["id"]: named.get(entry["href"]).text for entry in listed} == VALUES
    body = {"response": "document", "outputs": REFERENCE}
    links = named.post_json("/processes/named/execution", body).json
    assert {name: named.get(link["href"]).text for name, link in links.items()} == VALUES


def test_links_in_headers_are_ascii_and_name_their_outputs(named: TestApp) -> None:
    """RFC 8288 section 3.4.1"""
    answer = named.post_json("/processes/named/execution", {"response": "raw", "outputs": REFERENCE}, status=204)
    found = {}
    for header in answer.headers.getall("Link"):
        assert header.isascii()
        if "title" not in header:
            continue  # of the job itself
        href, _, title = header.partition("; rel=")[0], *header.partition("; title")[1:]
        found[title_of(title)] = named.get(href.strip("<>")).text
    assert found == VALUES


def title_of(parameter: str) -> str:
    if parameter.startswith("*=UTF-8''"):
        return unquote(parameter.removeprefix("*=UTF-8''"))
    return parameter.removeprefix("=")[1:-1].replace("\\\\", "\\").replace('\\"', '"')


def test_parts_have_ids_of_their_own_that_name_their_outputs(named: TestApp) -> None:
    """RFC 2387; before, two of them were called `output`"""
    answer = named.post_json("/processes/named/execution", {"response": "raw"})
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n"
    parts = message_from_bytes(head.encode("ascii") + answer.body).get_payload()
    ids = [part["Content-ID"] for part in parts]
    assert len(set(ids)) == len(VALUES)
    assert {unquote(part["Content-ID"]): part.get_payload(decode=True).decode() for part in parts} == VALUES
    assert "v1%2E0" in ids, "`v1.0` would be the first item of `v1`"
