"""Links say the type that comes; outputs come in the type that was asked for; files say their names."""

from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.answers import parse_multipart
from tests.support.client import finished, submit, successful
from tests.support.plugin_makers import function

ANYTHING = {"Accept": "*/*"}
INPUTS = {"message": "héllo", "number": 1.5, "flag": True, "list": [1], "bbox": {"bbox": [1, 2, 3, 4]}}
REFERENCE = {name: {"transmissionMode": "reference"} for name in INPUTS}


def assert_true(app: TestApp, link: dict) -> None:
    answer = app.get(link["href"], headers=ANYTHING, status=200)
    assert answer.content_type == link["type"].partition(";")[0], link


@pytest.mark.parametrize("body", [{}, {"response": "raw"}, {"outputs": {"message": {}}}, {"outputs": {"number": {}}}])
def test_links_of_a_job_say_the_type_that_comes(app: TestApp, body: dict) -> None:
    job = submit(app, "echo", INPUTS, **body)
    finished(app, job)
    listed = next(entry for entry in app.get("/jobs").json["jobs"] if entry["jobID"] == job)
    for link in [*app.get(f"/jobs/{job}").json["links"], *listed["links"]]:
        assert_true(app, link)


@pytest.mark.parametrize("path", ["/", "/processes", "/processes/echo", "/jobs", "/schedules", "/plugins"])
def test_links_of_other_documents_say_the_type_that_comes(app: TestApp, path: str) -> None:
    for link in app.get(path).json["links"]:
        if "type" in link and not link["rel"].endswith("/execute"):  # POST only
            assert_true(app, link)


def test_links_to_values_say_the_type_that_comes(app: TestApp) -> None:
    job = submit(app, "echo", INPUTS, response="document", outputs=REFERENCE)
    finished(app, job)
    for link in app.get(f"/jobs/{job}/results").json.values():
        assert_true(app, link)
    for link in app.get(f"/jobs/{job}/outputs").json["outputs"]:
        assert_true(app, link)


def test_a_page_leads_to_the_page_of_the_results(app: TestApp) -> None:
    job = successful(app, "greet", {"name": "Ada"})
    page = app.get(f"/jobs/{job}?f=html").text
    assert f'href="http://localhost/jobs/{job}/results"' in page


@pytest.mark.parametrize(
    ("name", "wanted", "comes"),
    [
        ("message", "application/json", '"héllo"'),
        ("message", "text/plain", "héllo"),
        ("number", "application/json", "1.5"),
        ("number", "text/plain", "1.5"),
        ("flag", "text/plain; charset=utf-8", "true"),
        ("list", "application/json", "[1]"),
    ],
)
def test_a_plain_value_comes_in_the_type_that_was_asked_for(app: TestApp, name: str, wanted: str, comes: str) -> None:
    media_type = wanted.partition(";")[0]
    outputs = {name: {"format": {"mediaType": wanted}}}
    answer = app.post_json("/processes/echo/execution", {"inputs": INPUTS, "outputs": outputs, "response": "raw"})
    assert (answer.content_type, answer.text) == (media_type, comes)
    job = submit(app, "echo", INPUTS, outputs=outputs | {"bbox": {}})
    finished(app, job)
    later = app.get(f"/jobs/{job}/results/{name}")
    assert (later.content_type, later.text) == (media_type, comes)
    part = parse_multipart(app.get(f"/jobs/{job}/results"))[name]
    assert (part.get_content_type(), part.get_payload(decode=True).decode()) == (media_type, comes)
    assert app.get(f"/jobs/{job}/results?f=json").json[name] == INPUTS[name]


def test_a_file_says_its_name(make_app: Callable, plugins: Path) -> None:
    """RFC 6266: what saves it knows the name, whatever the address was."""
    app = make_app(f"plugins.folders={plugins}", "engine.workers=1")
    for name in ("elevation.txt", "größe-結果.txt"):
        body = {"inputs": {"name": name}}
        fresh = app.post_json("/processes/make/execution", body)
        job = successful(app, "make", body["inputs"])
        href = app.get(f"/jobs/{job}/outputs").json["outputs"][0]["href"]
        for answer in (fresh, app.get(href), app.head(href), app.get(f"/jobs/{job}/results/output")):
            disposition = answer.headers["Content-Disposition"]
            assert disposition.isascii()
            assert disposition.startswith("inline; filename=")
            assert saved_as(disposition) == name


def saved_as(disposition: str) -> str:
    """As a client understands it that knows `filename*`, which wins."""
    message = Message()
    message["Content-Disposition"] = f"inline;{disposition.rpartition(';')[2]}"
    return message.get_filename()


def test_a_file_whose_name_tells_no_type_has_that_of_its_job(with_plugin: Callable) -> None:
    body = """
    Path("table").write_text("a,b")
    return File(Path("table"), "text/csv")
    """
    app = with_plugin({"run.py": function(body, "def run() -> File:")}, "engine.workers=1")
    link = app.get(f"/jobs/{successful(app, 'run')}/outputs").json["outputs"][0]
    assert link["type"] == "text/csv"
    assert_true(app, link)
