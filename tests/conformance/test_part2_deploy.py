"""Part 2 (OGC 20-044), requirements class "deploy-replace-undeploy": POST /processes and the package."""

import json

import pytest
from webtest import TestApp

from tests.support.answers import Schema, assert_refused, hrefs_of, links_of
from tests.support.packages import CWL, application_package, deploy, fresh, put, said, shout

pytestmark = pytest.mark.usefixtures("swept")
CLASSES = "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/"


def test_the_classes_are_declared(app: TestApp, schema: Schema) -> None:
    """/req/core/conformance-success: what is offered is declared; whether an engine
    answers, so that images can be deployed, differs"""
    declared = app.get("/conformance").json["conformsTo"]
    assert {f"{CLASSES}{name}" for name in ("deploy-replace-undeploy", "cwl", "ogcapppkg")} <= set(declared)
    package = application_package(fresh(), {"type": "docker", "image": "example/none:1"})
    schema("part2-dru/ogcapppkg").validate(package)
    accepted = deploy(app, package, "application/ogcapppkg+json", "?dryRun=true", status="*").status_int == 200
    assert (f"{CLASSES}docker" in declared) == accepted


def test_a_posted_process_is_offered(app: TestApp) -> None:
    """/req/deploy-replace-undeploy/deploy-post-op, /req/deploy-replace-undeploy/deploy-body"""
    process_id = fresh()
    deploy(app, shout(process_id), status=201)
    assert process_id in [process["id"] for process in app.get("/processes?limit=10000").json["processes"]]
    assert said(app, process_id, "go") == "go!"


def test_the_content_type_says_what_the_body_is(app: TestApp, schema: Schema) -> None:
    """/req/deploy-replace-undeploy/deploy-content-type: an application package that calls itself CWL is none"""
    package = application_package(fresh())
    assert_refused(deploy(app, package, CWL, status=400), schema, 400)
    deploy(app, package, "application/ogcapppkg+json", status=201)


def test_the_answer_is_a_summary(app: TestApp, schema: Schema) -> None:
    """/req/deploy-replace-undeploy/deploy-response-body: processSummary.yaml"""
    process_id = fresh()
    answer = deploy(app, shout(process_id, label="Loud"), status=201)
    schema("part1-1.0/processSummary").validate(answer.json)
    schema("part2-dru/staticIndicator").validate(answer.json)
    assert (answer.json["id"], answer.json["title"], answer.json["version"]) == (process_id, "Loud", "1.0.0")


def test_deploying_answers_201_with_the_location(app: TestApp) -> None:
    """/req/deploy-replace-undeploy/deploy-response-success"""
    process_id = fresh()
    answer = deploy(app, shout(process_id), status=201)
    assert answer.headers["Location"] == f"http://localhost/processes/{process_id}"
    assert app.get(answer.headers["Location"], status=200).json["id"] == process_id


def test_the_id_of_the_description_is_the_id_of_the_process(app: TestApp) -> None:
    """/req/deploy-replace-undeploy/deploy-response-pid: CWL says it, and a description beside it says it better"""
    inner, outer = fresh("inner"), fresh("outer")
    assert deploy(app, shout(inner), status=201).json["id"] == inner
    package = application_package(outer, {"value": shout(inner), "mediaType": "application/cwl+json"})
    assert deploy(app, package, "application/ogcapppkg+json", status=201).json["id"] == outer


def test_a_process_that_is_there_answers_409(app: TestApp, schema: Schema) -> None:
    """/req/deploy-replace-undeploy/deploy-response-duplicate"""
    process_id = fresh()
    deploy(app, shout(process_id), status=201)
    answer = deploy(app, shout(process_id, "?"), status=409)
    assert_refused(answer, schema, 409, "duplicated-process")
    assert answer.headers["Location"] == f"http://localhost/processes/{process_id}"
    assert said(app, process_id) == "hi!"


def test_a_process_of_the_server_answers_403(app: TestApp, schema: Schema) -> None:
    """/req/deploy-replace-undeploy/deploy-response-immutable"""
    answer = deploy(app, shout("echo"), status=403)
    assert_refused(answer, schema, 403, "immutable-process")
    assert answer.headers["Location"] == "http://localhost/processes/echo"


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize(
    "kind",
    ["text/html", "application/xml", "application/zip", "image/png", "multipart/x-mixed-replace; boundary=a", "cwl"],
)
def test_an_unsupported_media_type_answers_415(app: TestApp, schema: Schema, method: str, kind: str) -> None:
    """/req/deploy-replace-undeploy/deploy-unsupported-media-type"""
    if method == "post":
        answer = deploy(app, shout("x"), kind, status=415)
    else:
        process_id = fresh()
        deploy(app, shout(process_id), status=201)
        answer = put(app, process_id, shout(process_id), kind, status=415)
    assert_refused(answer, schema, 415, "unsupported-media-type")


def test_mutable_tells_who_may_be_changed(app: TestApp, schema: Schema) -> None:
    """/req/deploy-replace-undeploy/static-indicator"""
    process_id = fresh()
    deploy(app, shout(process_id), status=201)
    listed = {process["id"]: process for process in app.get("/processes?limit=10000").json["processes"]}
    assert listed[process_id]["mutable"] is True
    assert listed["echo"]["mutable"] is False
    for name in (process_id, "echo"):
        assert app.get(f"/processes/{name}").json["mutable"] is listed[name]["mutable"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (CWL, json.dumps(shout("ID"), indent=1) + "\n \n"),
        ("application/cwl+json", json.dumps(shout("ID"))),
        ("application/ogcapppkg+json; charset=utf-8", json.dumps(application_package("ID"), indent="\t")),
    ],
)
def test_the_package_is_what_was_deployed(app: TestApp, kind: str, text: str) -> None:
    """/req/deploy-replace-undeploy/package-get-op, -response-body, -response-success;
    /req/ogcapppkg/package-response-body: byte for byte"""
    process_id = fresh()
    body = text.replace("ID", process_id).encode()
    deploy(app, body, kind, status=201)
    answer = app.get(f"/processes/{process_id}/package", status=200)
    assert answer.body == body
    assert answer.headers["Content-Type"] == kind
    assert said(app, process_id) == "hi!"


def test_the_description_links_to_the_package(app: TestApp) -> None:
    """/req/deploy-replace-undeploy/package-get-op: people find it"""
    process_id = fresh()
    deploy(app, shout(process_id), status=201)
    links = links_of(app.get(f"/processes/{process_id}").json, "package")
    assert json.loads(app.get(links[0]["href"], status=200).body) == shout(process_id)
    assert hrefs_of(app.get("/processes/echo").json, "package") == []


@pytest.mark.parametrize("path", ["/package", "/revisions"])
def test_what_was_not_deployed_has_no_package(app: TestApp, schema: Schema, path: str) -> None:
    """/req/deploy-replace-undeploy/package-get-op: for dynamically added processes"""
    assert_refused(app.get(f"/processes/echo{path}", status=404), schema, 404)
    assert_refused(app.get(f"/processes/nope{path}", status=404), schema, 404)
