"""Deployed processes: versions, patches, dry runs, and what happens to jobs meanwhile."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support import systems
from tests.support.answers import hrefs_of, links_of
from tests.support.client import Served, finished, submit
from tests.support.packages import (
    CWL,
    application_package,
    deploy,
    fresh,
    patch,
    put,
    said,
    shout,
    sweep,
)
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    """What these tests deploy goes with them."""
    yield
    sweep(app)


@pytest.fixture
def process_id(app: TestApp) -> str:
    """A process that was just deployed."""
    name = fresh()
    deploy(app, shout(name), status=201)
    return name


def versions(app: TestApp, process_id: str) -> dict[str, bool]:
    """Version -> whether it is the current one, the last one first."""
    return {
        entry["version"]: entry["current"]
        for entry in app.get(f"/processes/{process_id}/revisions", status=200).json["revisions"]
    }


def test_revisions_stay_and_run(app: TestApp, process_id: str) -> None:
    put(app, process_id, shout(process_id, "?"), status=200)
    assert versions(app, process_id) == {"2.0.0": True, "1.0.0": False}
    assert app.get(f"/processes/{process_id}:1.0.0", status=200).json["version"] == "1.0.0"
    assert [said(app, name) for name in (process_id, f"{process_id}:1.0.0", f"{process_id}:2.0.0")] == [
        "hi?",
        "hi!",
        "hi?",
    ]
    assert json.loads(app.get(f"/processes/{process_id}:1.0.0/package", status=200).body) == shout(process_id)
    app.get(f"/processes/{process_id}:3.0.0", status=404)


def test_revisions_link_to_each_other(app: TestApp, process_id: str) -> None:
    """RFC 5829"""
    put(app, process_id, shout(process_id, "?"), query="?version=1.5", status=200)
    base = f"http://localhost/processes/{process_id}"
    latest, first = app.get(f"/processes/{process_id}").json, app.get(f"/processes/{process_id}:1.0.0").json
    assert hrefs_of(latest, "predecessor-version") == [f"{base}:1.0.0"]
    assert hrefs_of(latest, "successor-version") == []
    assert hrefs_of(first, "successor-version") == [f"{base}:1.5"]
    assert hrefs_of(first, "latest-version") == [base]
    for rel in ("version-history", "latest-version", "predecessor-version", "package"):
        for link in links_of(latest, rel):
            app.get(link["href"], status=200)
            app.get(link["href"], headers={"Accept": "text/html, */*;q=0.1"}, status=200)
    history = app.get(f"{base}/revisions").json
    assert history["current"] == "1.5"
    for entry in history["revisions"]:
        for link in entry["links"]:
            app.get(link["href"], status=200)


def test_one_revision_is_removed(app: TestApp, process_id: str) -> None:
    put(app, process_id, shout(process_id, "?"), status=200)
    app.delete(f"/processes/{process_id}:2.0.0", status=204)
    assert versions(app, process_id) == {"1.0.0": True}
    assert said(app, process_id) == "hi!"
    app.delete(f"/processes/{process_id}:9", status=404)
    app.delete(f"/processes/{process_id}:1.0.0", status=204)
    app.get(f"/processes/{process_id}", status=404)


def test_going_back(app: TestApp, process_id: str) -> None:
    put(app, process_id, shout(process_id, "?"), status=200)
    assert patch(app, process_id, {"version": "1.0.0"}, status=200).json["version"] == "1.0.0"
    assert (said(app, process_id), versions(app, process_id)) == ("hi!", {"2.0.0": False, "1.0.0": True})
    assert (
        patch(app, process_id, {"version": "1.0.0"}, status=400).json["detail"].startswith("The patch changes nothing")
    )
    assert patch(app, process_id, {"version": "7"}, status=400).json["errors"][0]["pointer"] == "/version"


def test_a_patch_changes_the_description(app: TestApp, process_id: str) -> None:
    change = {
        "title": "T",
        "description": "D",
        "keywords": ["k"],
        "metadata": [{"title": "m"}],
        "jobControlOptions": ["async-execute"],
        "inputs": {"text": {"title": "in", "keywords": ["i"], "schema": {"type": "string", "enum": ["a", "b"]}}},
        "outputs": {"said": {"description": "out"}},
    }
    assert patch(app, process_id, change, status=200).json["version"] == "1.0.1"
    found = app.get(f"/processes/{process_id}").json
    assert {name: found[name] for name in ("title", "description", "keywords", "metadata", "jobControlOptions")} == {
        name: change[name] for name in ("title", "description", "keywords", "metadata", "jobControlOptions")
    }
    assert (found["inputs"]["text"]["title"], found["outputs"]["said"]["description"]) == ("in", "out")
    app.post_json(f"/processes/{process_id}/execution", {"inputs": {"text": "c"}}, status=400)
    assert (
        patch(
            app,
            process_id,
            {"title": None, "keywords": None, "jobControlOptions": None},
            "application/json",
            status=200,
        ).json["version"]
        == "1.0.2"
    )
    assert "title" not in app.get(f"/processes/{process_id}").json
    assert said(app, process_id, "a") == "a!"
    assert patch(app, process_id, {"title": "x", "version": "3.0"}, status=200).json["version"] == "3.0"
    assert "title" not in app.get(f"/processes/{process_id}:1.0.2").json


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"titel": "x"}, "/titel"),
        ({"id": "x"}, "/id"),
        ({"inputs": {"nope": {"title": "x"}}}, "/inputs/nope"),
        ({"inputs": {"text": None}}, "/inputs/text"),
        ({"inputs": {"text": {"minOccurs": 0}}}, "/inputs/text/minOccurs"),
        ({"inputs": {"text": {"schema": {"type": "integer"}}}}, "/inputs/text/schema"),
        ({"inputs": {"text": {"schema": None}}}, "/inputs/text/schema"),
        ({"inputs": []}, "/inputs"),
        ({"outputs": None}, "/outputs"),
        ({"title": 5}, "/title"),
        ({"inputs": {"text": {"schema": {"type": "strin"}}}}, "/inputs/text/schema"),
        ({"inputs": {"text": {"schema": {"$ref": "#"}}}}, "/inputs/text/schema"),
        ({"keywords": "x"}, "/keywords"),
        ({"metadata": ["x"]}, "/metadata"),
        ({"jobControlOptions": ["dismiss"]}, "/jobControlOptions"),
        ({"jobControlOptions": [[]]}, "/jobControlOptions"),
        ({"version": 5}, "/version"),
        ({"version": ["1.0.0"], "title": "x"}, "/version"),
        ([], None),
        ("x", None),
        (None, None),
        ({}, None),
        ({"version": "a/b", "title": "x"}, None),
        ({"version": "x" * 65, "title": "x"}, None),
    ],
)
def test_a_patch_that_cannot_be_made(app: TestApp, process_id: str, change: object, pointer: str | None) -> None:
    answer = patch(app, process_id, change, status=400).json
    if pointer:
        assert pointer in [error["pointer"] for error in answer["errors"]]
    assert versions(app, process_id) == {"1.0.0": True}


def test_a_revision_itself_is_not_changed(app: TestApp, process_id: str) -> None:
    for answer in (
        put(app, f"{process_id}:1.0.0", shout(process_id), status=400),
        patch(app, f"{process_id}:1.0.0", {"title": "x"}, status=400),
    ):
        assert "never changes" in answer.json["detail"]


def test_versions_of_replacements(app: TestApp, process_id: str) -> None:
    assert put(app, process_id, shout(process_id), query="?version=rev-b", status=200).json["version"] == "rev-b"
    assert put(app, process_id, shout(process_id), status=200).json["version"] == "3.0.0"
    taken = put(app, process_id, shout(process_id), query="?version=rev-b", status=409)
    assert taken.headers["Location"] == f"http://localhost/processes/{process_id}"
    assert (
        put(app, process_id, application_package(process_id), "application/json", status=200).json["version"] == "2.1.0"
    )


def test_the_id_of_a_replacement_is_that_of_the_path(app: TestApp, process_id: str) -> None:
    assert put(app, process_id, shout("other"), status=400).json["errors"][0]["pointer"] == "/id"
    put(app, process_id, application_package("other"), "application/json", status=400)
    put(app, process_id, shout(process_id), query="?id=other", status=400)
    put(app, process_id, shout(None), status=200)
    put(app, process_id, shout("other"), query=f"?id={process_id}", status=200)


@pytest.mark.parametrize(
    "query",
    [
        "?version=",
        "?version=a b",
        "?version=" + "x" * 65,
        "?version=a%2Fb",
        "?id=" + "x" * 129,
        "?id=.hidden",
        "?id=a%00b",
        "?id=a:b",
        "?dryRun=yes",
        "?w=",
        "?more=1",
        "?start=" + "x" * 201,
        "?start=nope.cwl",
    ],
)
def test_a_query_that_means_nothing(app: TestApp, query: str) -> None:
    deploy(app, shout(fresh()), query=query, status=400)


def test_a_dry_run_tells_everything_and_keeps_nothing(app: TestApp, process_id: str) -> None:
    name = fresh()
    told = deploy(app, shout(name, hints={"NoSuchRequirement": {}}), query="?dryRun=true", status=200)
    assert told.json["inputs"]["text"]["schema"] == {"type": "string"}
    assert "NoSuchRequirement" in told.json["warnings"][0]
    assert "Location" not in told.headers
    app.get(f"/processes/{name}", status=404)
    deploy(app, shout(process_id), query="?dryRun=true", status=409)
    assert put(app, process_id, shout(process_id, "?"), query="?dryRun=true", status=200).json["version"] == "2.0.0"
    assert patch(app, process_id, {"title": "x"}, query="?dryRun=true", status=200).json["title"] == "x"
    assert (said(app, process_id), versions(app, process_id)) == ("hi!", {"1.0.0": True})


def test_a_job_keeps_its_revision(make_app: Callable[..., TestApp]) -> None:
    """Replaced while the job waits: it runs what its request was checked against."""
    app = make_app("engine.workers=1")
    deploy(app, shout("kept"), status=201)
    blocker = submit(app, "sleep", {"delay": 30})
    wait_until(lambda: app.get(f"/jobs/{blocker}").json["status"] == "running", what="the start of the job")
    waiting = submit(app, "kept", {"text": "hi"}, response="document")
    put(app, "kept", {**shout("kept", "?"), "inputs": {"text": "string", "more": "string"}}, status=200)
    app.delete(f"/jobs/{blocker}")
    assert finished(app, waiting)["status"] == "successful"
    assert app.get(f"/jobs/{waiting}/results").json["said"] == "hi!"
    assert (
        app.post_json(
            "/processes/kept/execution", {"inputs": {"text": "hi", "more": "m"}, "response": "document"}, status=200
        ).json["said"]
        == "hi?"
    )


def test_the_same_id_and_version_deployed_anew_is_another_process(make_app: Callable[..., TestApp]) -> None:
    """Workers that ran the removed one have it at hand."""
    app = make_app("engine.workers=1")
    for mark in "!?":
        deploy(app, shout("again", mark), status=201)
        assert (said(app, "again"), said(app, "again:1.0.0")) == (f"hi{mark}", f"hi{mark}")
        app.delete("/processes/again", status=204)
        app.get("/processes/again:1.0.0", status=404)


def test_another_server_sees_what_was_deployed_anew(serve: Callable[..., Served], tmp_path: Path) -> None:
    same = systems.current[0].settings(tmp_path / "data") or [f"store.url=sqlite:///{tmp_path / 'shared.db'}"]
    first, second = serve(*same), serve(*same, folder=tmp_path / "other")
    for title in ("One", "Two"):
        assert first.get("/processes", "POST", shout("anew", label=title), {"Content-Type": CWL})[0] == 201
        assert [second.get(f"/processes/{name}")[1]["title"] for name in ("anew", "anew:1.0.0")] == [title, title]
        assert first.get("/processes/anew", "DELETE")[0] == 204


@pytest.mark.parametrize("anew", [False, True])
def test_a_job_whose_process_was_removed_before_it_began_fails(make_app: Callable[..., TestApp], anew: bool) -> None:
    """Also if another process has that id and version now, and the worker has the old one at hand."""
    app = make_app("engine.workers=1")
    deploy(app, shout("gone"), status=201)
    assert said(app, "gone") == "hi!"
    blocker = submit(app, "sleep", {"delay": 30})
    wait_until(lambda: app.get(f"/jobs/{blocker}").json["status"] == "running", what="the start of the job")
    waiting = submit(app, "gone", {"text": "hi"}, response="document")
    app.delete("/processes/gone", status=204)
    if anew:
        deploy(app, shout("gone", "?"), status=201)
    app.delete(f"/jobs/{blocker}")
    status = finished(app, waiting)
    assert (status["status"], status["message"]) == (
        "failed",
        "There is no process to run any more: version 1.0.0 of the process 'gone' was removed.",
    )
    assert app.get(f"/jobs/{waiting}/results", status=404).json["type"].endswith("no-such-process")


def test_a_plugin_wins_over_a_deployed_process(make_app: Callable[..., TestApp], tmp_path: Path) -> None:
    """Who installs the server decides: while the plugin is there the
    deployed process cannot be reached by its plain id."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    app = make_app(f"plugins.folders={folder}")
    deploy(app, shout("both"), status=201)
    plugin = folder / "both.py"
    plugin.write_text(
        "from weaver_like.authoring import process\n\n\n"
        '@process(id="both")\ndef both(text: str) -> str:\n    return text * 2\n',
        "utf-8",
    )
    wait_until(lambda: app.get("/processes/both").json["mutable"] is False, what="the plugin")
    assert (
        app.post_json("/processes/both/execution", {"inputs": {"text": "hi"}, "response": "raw"}, status=200).text
        == "hihi"
    )
    app.delete("/processes/both", status=403)
    assert [entry["name"] for entry in app.get("/plugins").json["plugins"] if "error" in entry] == ["both"]
    plugin.unlink()
    wait_until(lambda: app.get("/processes/both").json["mutable"], what="the deployed process")
    assert said(app, "both") == "hi!"


def test_two_servers_deploy_the_same_id(serve: Callable[..., Served], tmp_path: Path) -> None:
    """One of them is first, whoever it is."""
    same = systems.current[0].settings(tmp_path / "data") or [f"store.url=sqlite:///{tmp_path / 'shared.db'}"]
    first, second = serve(*same), serve(*same, folder=tmp_path / "other")
    for attempt in range(3):
        answers: list[int] = []
        name, start = f"race-{attempt}", threading.Barrier(4)

        def post(
            server: Served, name: str = name, start: threading.Barrier = start, answers: list[int] = answers
        ) -> None:
            start.wait()
            answers.append(server.get("/processes", "POST", shout(name), {"Content-Type": CWL})[0])

        threads = [threading.Thread(target=post, args=(server,)) for server in (first, second, first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [201, 409, 409, 409]
        assert [server.get(f"/processes/{name}")[0] for server in (first, second)] == [200, 200]
