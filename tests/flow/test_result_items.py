"""One item of an output that is an array: `/jobs/{id}/results/{output}/{index}`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import successful
from tests.support.problems import problem

FOLDERS = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "folders",
    "baseCommand": [
        "sh",
        "-c",
        "for name in x y; do mkdir -p $name/in; echo $name > $name/in/0; echo 1 > $name/1; done",
    ],
    "inputs": {},
    "outputs": {"made": {"type": "Directory[]", "outputBinding": {"glob": ["x", "y"]}}},
}


@pytest.fixture(scope="module")
def lists(app: TestApp) -> str:
    return successful(app, "echo", {"message": "m", "list": [7, 8, 9]})


@pytest.fixture(scope="module")
def texts(app: TestApp) -> str:
    return successful(app, "geo-echo", {"words": ["a", "b/c", "2"], "word": "w"})


@pytest.fixture(scope="module")
def folders(app: TestApp) -> Iterator[str]:
    app.post("/processes", json.dumps(FOLDERS), content_type="application/cwl+json", status=201)
    yield successful(app, "folders")
    app.delete("/processes/folders", status=204)


def test_an_item_of_a_json_array(app: TestApp, lists: str) -> None:
    items = [app.get(f"/jobs/{lists}/results/list/{index}") for index in range(3)]
    assert [item.json for item in items] == [7, 8, 9]
    assert {item.content_type for item in items} == {"application/json"}


def test_an_item_that_is_a_text_has_the_form_that_is_asked_for(app: TestApp, texts: str) -> None:
    item = f"/jobs/{texts}/results/words/1"
    assert (app.get(item).content_type, app.get(item).text) == ("text/plain", "b/c")
    assert app.get(item, headers={"Accept": "application/json"}).json == "b/c"
    assert app.get(f"{item}?f=json").json == {"words": "b/c"}
    assert "b/c" in app.get(f"{item}?f=html").text
    problem(app.get(item, headers={"Accept": "image/png"}, expect_errors=True), 406)


@pytest.mark.parametrize("path", ["list/3", "list/999999999", "list/-1", "list/01", "list/x", "list/1/2", "message/0"])
def test_what_is_no_item_is_404(app: TestApp, lists: str, path: str) -> None:
    problem(app.get(f"/jobs/{lists}/results/{path}", expect_errors=True), 404)


def test_an_item_that_is_a_file(make_app: Callable, plugins: Path) -> None:
    app = make_app(f"plugins.folders={plugins}", "engine.workers=1")
    job = successful(app, "several")
    item = app.get(f"/jobs/{job}/results/output/2")
    assert (item.content_type, item.text) == ("text/plain", "2")
    assert item.headers["Content-Disposition"] == 'inline; filename="2.txt"'
    assert app.get(f"/jobs/{job}/results/output/2", headers={"Range": "bytes=0-0"}, status=206).text == "2"
    problem(app.get(f"/jobs/{job}/results/output/3", expect_errors=True), 404)


def test_an_item_that_is_a_folder_has_its_files_below_it(app: TestApp, folders: str) -> None:
    for index, name in enumerate("xy"):
        item = f"/jobs/{folders}/results/made/{index}"
        listing = app.get(item).json
        assert listing["basename"] == name
        links = {link["title"]: link["href"] for link in listing["links"] if link["rel"] == "item"}
        assert links == {"in/0": f"http://localhost{item}/in/0", "1": f"http://localhost{item}/1"}
        assert app.get(links["in/0"]).text == f"{name}\n"
