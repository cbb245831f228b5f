"""Which entry of a document with several processes is deployed."""

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.packages import CWL, application_package, deploy, fresh, multipart, put, said, shout, sweep

OGC = "application/ogcapppkg+json"


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    yield
    sweep(app)


def tools(*names: str) -> dict:
    """Tools that no workflow holds together; each says its name."""
    graph = [shout(name, f"-{name}") for name in names]
    return {"cwlVersion": "v1.2", "$graph": [{k: v for k, v in one.items() if k != "cwlVersion"} for one in graph]}


def linked(app: TestApp, fragment: str, site: ThreadingHTTPServer, query: str = "", status: int = 201) -> dict:
    site.pages = {"/flow.cwl": (200, {}, json.dumps(tools("a", "b")).encode())}
    unit = {"href": f"{site.url}/flow.cwl{fragment}", "type": "application/cwl"}
    package = application_package(fresh(), unit)
    return deploy(app, package, OGC, query, status=status).json


def attached(app: TestApp, href: str, status: int = 201) -> dict:
    package = application_package(fresh(), [{"href": href, "type": "application/cwl"}])
    kind, body = multipart(
        [
            ({"Content-Type": OGC, "Content-Location": "package.json"}, package),
            ({"Content-Type": CWL, "Content-Location": "flow.cwl", "Content-ID": "<main@x>"}, tools("a", "b")),
        ]
    )
    return deploy(app, body, kind, status=status).json


@pytest.mark.parametrize(("fragment", "query", "mark"), [("#b", "", "-b"), ("#a", "", "-a"), ("#a", "?w=b", "-b")])
def test_the_fragment_of_an_execution_unit_chooses_the_entry(
    app: TestApp, site: ThreadingHTTPServer, fragment: str, query: str, mark: str
) -> None:
    assert said(app, linked(app, fragment, site, query)["id"]) == f"hi{mark}"


@pytest.mark.parametrize("href", ["flow.cwl#b", "./flow.cwl#b", "cid:main@x#b"])
def test_the_fragment_of_a_part_chooses_the_entry(app: TestApp, href: str) -> None:
    assert said(app, attached(app, href)["id"]) == "hi-b"


def test_an_unknown_fragment_is_no_workflow_of_the_package(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/cwl/deploy-exception-workflow-not-found"""
    for answer in (linked(app, "#zzz", site, status=400), attached(app, "flow.cwl#zzz", status=400)):
        assert answer["type"].endswith("workflow-not-found")
        assert "zzz" in answer["detail"]


def test_of_tools_that_no_workflow_holds_together_all_are_deployed(app: TestApp) -> None:
    first, second = fresh(), fresh()
    answer = deploy(app, tools(first, second), status=201).json
    assert [answer["id"], *(process["id"] for process in answer["processes"])] == [first, second]
    assert [said(app, name) for name in (first, second)] == [f"hi-{first}", f"hi-{second}"]


def test_one_id_cannot_be_that_of_all(app: TestApp) -> None:
    assert "w=NAME" in deploy(app, tools("a", "b"), query=f"?id={fresh()}", status=400).json["detail"]
    process_id = fresh()
    deploy(app, shout(process_id), status=201)
    assert "w=NAME" in put(app, process_id, tools("a", "b"), status=400).json["detail"]
