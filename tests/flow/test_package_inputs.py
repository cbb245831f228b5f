"""Inputs of application packages that are files and folders: what is given by value, and what cannot be read."""

import base64
import gzip
import io
import zipfile

import pytest
from webtest import TestApp

from tests.support.packages import deploy, described, fresh, shout


def packed(name: str, content: str) -> bytes:
    """A ZIP archive with one file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def marked(archive: bytes, place: int, value: int) -> bytes:
    """With another value in both headers of its file; place: in the local one."""
    changed, central = bytearray(archive), archive.index(b"PK\x01\x02")
    changed[place] = changed[central + place + 2] = value
    return bytes(changed)


ZIP = packed("a", "x" * 100)
BROKEN = {
    "nothing": b"",
    "noise": b"\x00\x01" * 500,
    "cut": ZIP[:-10],
    "encrypted": marked(ZIP, 6, 1),
    "packed in an unknown way": marked(ZIP, 8, 97),
    "cut inside": gzip.compress(b"x" * 1000)[:-9],
    "deep": packed("/".join(["d"] * 2000), "x"),
    "leading out": packed("../x", "x"),
}


@pytest.fixture(scope="module")
def of_a_folder(app: TestApp) -> str:
    """The id of a process that takes a folder."""
    tool = shout(fresh(), inputs={"text": {"type": "Directory"}}, expression="${return {said: inputs.text.basename};}")
    return deploy(app, tool, status=201).json["id"]


@pytest.mark.parametrize("name", BROKEN)
def test_archives_that_cannot_be_unpacked_are_the_fault_of_the_input(app: TestApp, of_a_folder: str, name: str) -> None:
    given = {"value": base64.b64encode(BROKEN[name]).decode(), "mediaType": "application/zip"}
    answer = app.post_json(f"/processes/{of_a_folder}/execution", {"inputs": {"text": given}}, status=400)
    assert answer.json["detail"].startswith("The archive 'text.zip' ")
    assert "\n" not in answer.json["detail"]


def test_contents_of_a_file_by_value_are_loaded(app: TestApp) -> None:
    """CWL v1.2, CommandLineTool.html, "loadContents" """
    tool = shout(
        fresh(),
        inputs={"text": {"type": "File", "loadContents": True}},
        expression="${return {said: inputs.text.contents};}",
    )
    process_id = deploy(app, tool, status=201).json["id"]
    given = {"class": "File", "basename": "a.txt", "contents": "whole"}
    answer = app.post_json(
        f"/processes/{process_id}/execution", {"inputs": {"text": given}, "response": "document"}, status=200
    )
    assert answer.json["said"] == "whole"


def test_a_text_that_is_no_json_is_a_string_of_json(app: TestApp) -> None:
    """The description says JSON: a text that is none is a string of JSON."""
    tool = shout(fresh(), inputs={"text": {"type": "File"}}, expression="${return {said: inputs.text.basename};}")
    description = described(tool["id"], inputs={"text": {"schema": {"allOf": [{}]}}})
    package = {"processDescription": description, "executionUnit": {"value": tool, "mediaType": "application/cwl+json"}}
    deploy(app, package, "application/ogcapppkg+json", status=201)
    answer = app.post_json(f"/processes/{tool['id']}/execution", {"inputs": {"text": "x"}}, status=200)
    assert answer.text == "text.json"
