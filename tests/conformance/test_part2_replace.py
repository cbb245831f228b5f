"""Part 2 (OGC 20-044), requirements class "deploy-replace-undeploy": PUT and DELETE."""

import pytest
from webtest import TestApp

from tests.support.answers import Schema, assert_refused
from tests.support.packages import CWL, application_package, deploy, fresh, patch, put, said, shout

pytestmark = pytest.mark.usefixtures("swept")


@pytest.fixture
def process_id(app: TestApp) -> str:
    """A process that was just deployed."""
    name = fresh()
    deploy(app, shout(name), status=201)
    return name


def test_a_process_is_replaced(app: TestApp, process_id: str) -> None:
    """/req/deploy-replace-undeploy/replace-put-op, /req/deploy-replace-undeploy/replace-body"""
    put(app, process_id, shout(process_id, "?"), status=200)
    assert said(app, process_id) == "hi?"


def test_replacing_answers_200(app: TestApp, schema: Schema, process_id: str) -> None:
    """/req/deploy-replace-undeploy/replace-response"""
    answer = put(app, process_id, shout(process_id, "?"), status=200)
    schema("part2-dru/staticIndicator").validate(answer.json)
    assert (answer.json["id"], answer.json["version"]) == (process_id, "2.0.0")


@pytest.mark.parametrize(
    "kind",
    ["application/cwl", "application/cwl+json", "application/json", "application/cwl+yaml", "application/x-yaml"],
)
def test_the_content_type_says_what_replaces_it(app: TestApp, process_id: str, kind: str) -> None:
    """/req/deploy-replace-undeploy/replace-content-type, /rec/deploy-replace-undeploy/replace-body-cwl"""
    put(app, process_id, shout(process_id, "?"), kind, status=200)
    assert said(app, process_id) == "hi?"


def test_an_application_package_replaces(app: TestApp, process_id: str) -> None:
    """/req/ogcapppkg/replace-body"""
    put(app, process_id, application_package(process_id), "application/ogcapppkg+json", status=200)
    assert app.get(f"/processes/{process_id}").json["version"] == "2.1.0"
    put(app, process_id, application_package(process_id), CWL, status=400)


def test_a_process_is_removed(app: TestApp, schema: Schema, process_id: str) -> None:
    """/req/deploy-replace-undeploy/undeploy-delete-op, /req/deploy-replace-undeploy/undeploy-response"""
    answer = app.delete(f"/processes/{process_id}", status=204)
    assert answer.body == b""
    assert_refused(app.get(f"/processes/{process_id}", status=404), schema, 404)
    assert_refused(app.get(f"/processes/{process_id}/package", status=404), schema, 404)
    deploy(app, shout(process_id), status=201)


def test_a_process_of_the_server_is_not_changed(app: TestApp, schema: Schema) -> None:
    """/req/deploy-replace-undeploy/static-indicator: what is immutable cannot be manipulated through a request"""
    for answer in (
        put(app, "echo", shout("echo"), status=403),
        patch(app, "echo", {"title": "x"}, status=403),
        app.delete("/processes/echo", status=403),
    ):
        assert_refused(answer, schema, 403, "immutable-process")


def test_what_is_not_there_is_not_changed(app: TestApp, schema: Schema) -> None:
    """/req/core/process-exception/no-such-process"""
    for answer in (
        put(app, "nope", shout("nope"), status=404),
        patch(app, "nope", {"title": "x"}, status=404),
        app.delete("/processes/nope", status=404),
    ):
        assert_refused(answer, schema, 404)
        assert answer.json["type"].endswith("/no-such-process")
