"""Packages that came as JSON are read as JSON: its escapes, its numbers."""

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.packages import deploy, fresh, multipart, shout, sweep

DANCER = "\U0001f57a"
TEXTS = {
    "above U+FFFF": DANCER,
    "after a backslash": f"\\{DANCER}",
    "what looks like an escape": "\\ud83d\\udd7a",
    "signs that YAML does not have": "a\x7f\x85\u2028\ufffe\U0010ffff",
}


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    yield
    sweep(app)


def told(app: TestApp, process_id: str, inputs: dict | None = None) -> str:
    request = {"inputs": inputs or {}, "response": "document"}
    found = app.post_json(f"/processes/{process_id}/execution", request, status=200).json["said"]
    return found["value"] if isinstance(found, dict) else found


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("kind", ["application/cwl+json", "application/cwl", "application/json"])
@pytest.mark.parametrize("name", TEXTS)
def test_every_text_of_json_is_what_it_is(app: TestApp, name: str, kind: str, escaped: bool) -> None:
    text = TEXTS[name]
    tool = shout(fresh(), label=text, inputs={"text": {"type": "string", "default": text}})
    deploy(app, json.dumps(tool, ensure_ascii=escaped), kind, status=201)
    assert app.get(f"/processes/{tool['id']}").json["title"] == text
    assert told(app, tool["id"]) == f"{text}!"


@pytest.mark.parametrize("place", ["part", "address"])
def test_imported_json_is_read_as_json(app: TestApp, site: ThreadingHTTPServer, place: str) -> None:
    process_id = fresh()
    inputs = json.dumps([{"id": "text", "type": "string", "default": DANCER}])
    site.pages = {"/inputs.json": (200, {"Content-Type": "application/json"}, inputs.encode())}
    url = "inputs.json" if place == "part" else f"{site.url}/inputs.json"
    parts = [({"Content-Location": "main.cwl"}, json.dumps(shout(process_id, inputs={"$import": url})))]
    if place == "part":
        parts.append(({"Content-Location": "inputs.json"}, inputs))
    kind, body = multipart(parts)
    deploy(app, body, kind, status=201)
    site.pages = {}
    assert told(app, process_id) == f"{DANCER}!"


def echoing(kind: object, **more: object) -> dict:
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": fresh(),
        "baseCommand": ["echo", "-n"],
        "inputs": {"number": {"type": kind, "inputBinding": {}} | more},
        "stdout": "said.txt",
        "outputs": {"said": "stdout"},
    }


NUMBERS = {
    "whole": ("123000.0", "123000"),
    "an exponent": ("1.23e5", "123000"),
    "small": ("1.5e-7", "0.00000015"),
    "large": ("1e22", "10000000000000000000000"),
    "a fraction": ("0.5", "0.5"),
    "needless digits": ("1.50", "1.5"),
    "negative": ("-2.0", "-2"),
}


@pytest.mark.parametrize("form", ["JSON", "YAML", "request"])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_have_one_form_on_the_command_line(app: TestApp, name: str, form: str) -> None:
    """CWL v1.2, CommandLineTool.html, "CommandLineBinding": their decimal representation"""
    written, wanted = NUMBERS[name]
    if form == "request":
        tool = echoing("double")
        deploy(app, tool, status=201)
        assert told(app, tool["id"], {"number": json.loads(written)}) == wanted
        return
    tool = echoing("double", default="NUMBER")
    text = json.dumps(tool).replace('"NUMBER"', written)
    if form == "YAML":
        text = text.replace('"cwlVersion"', "cwlVersion", 1)
    deploy(app, text, status=201)
    assert told(app, tool["id"]) == wanted


def test_numbers_of_an_array_have_that_form_too(app: TestApp) -> None:
    tool = echoing("double[]", default=[1.0, 2.5, 1e3])
    tool["inputs"]["number"]["inputBinding"] = {"itemSeparator": ","}
    deploy(app, tool, status=201)
    assert told(app, tool["id"]) == "1,2.5,1000"
