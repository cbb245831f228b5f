"""Part 2 (OGC 20-044), requirements classes "ogcapppkg" and what is understood of "docker"."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.answers import Schema, assert_refused
from tests.support.packages import application_package, deploy, described, fresh, said, shout

pytestmark = pytest.mark.usefixtures("swept")
OGC = "application/ogcapppkg+json"
DOCKER = "http://www.opengis.net/profiles/eoc/dockerizedApplication"


def value(process_id: str) -> dict:
    return {"value": shout(process_id), "mediaType": "application/cwl+json"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (OGC, json.dumps),
        ("application/json", json.dumps),
        ("application/ogcapppkg+yaml", json.dumps),
        ("application/yaml", lambda package: json.dumps(package, indent=1)),
    ],
)
def test_the_media_type_of_application_packages(
    app: TestApp, schema: Schema, kind: str, text: Callable[[dict], str]
) -> None:
    """/req/ogcapppkg/body, /req/ogcapppkg/deploy-body, /req/ogcapppkg/schema, /rec/ogcapppkg/execution-unit-cwl"""
    process_id = fresh()
    package = application_package(process_id)
    schema("part2-dru/ogcapppkg").validate(package)
    deploy(app, text(package), kind, status=201)
    assert said(app, process_id) == "hi!"


def test_the_description_describes_the_process(app: TestApp, schema: Schema) -> None:
    """/req/ogcapppkg/process-description: process.yaml"""
    process_id = fresh()
    deploy(
        app,
        application_package(process_id, jobControlOptions=["async-execute"], metadata=[{"role": "r", "title": "t"}]),
        OGC,
        status=201,
    )
    found = app.get(f"/processes/{process_id}", status=200).json
    schema("part1-1.0/process").validate(found)
    assert {
        key: found[key]
        for key in ("id", "version", "title", "description", "keywords", "jobControlOptions", "metadata")
    } == {
        "id": process_id,
        "version": "2.1.0",
        "title": "Shouts",
        "description": "Says it louder.",
        "keywords": ["loud"],
        "jobControlOptions": ["async-execute"],
        "metadata": [{"role": "r", "title": "t"}],
    }
    assert found["inputs"]["text"]["title"] == "What"
    assert found["inputs"]["text"]["schema"] == {"type": "string", "maxLength": 20}
    assert found["outputs"]["said"]["title"] == "Loud"
    assert "count" in found["inputs"]


def test_the_schema_of_the_description_counts(app: TestApp) -> None:
    """/req/ogcapppkg/process-description, /req/core/process-execute-input-validation"""
    process_id = fresh()
    deploy(app, application_package(process_id), OGC, status=201)
    refused = app.post_json(f"/processes/{process_id}/execution", {"inputs": {"text": "x" * 21}}, status=400)
    assert refused.json["errors"][0]["pointer"] == "/inputs/text"


@pytest.mark.parametrize(
    "form",
    [
        lambda name: {"executionUnit": [value(name)], "processDescription": described(name)},
        lambda name: {
            "executionUnit": [{"unit": shout(name)}],
            "processDescription": {"process": described(name)},
            "deploymentProfileName": DOCKER,
        },
        lambda name: {
            "executionUnit": {"unit": shout(name)},
            "processDescription": {"id": name, "abstract": "x"},
            "immediateDeployment": True,
        },
        lambda name: {"executionUnit": {"value": json.dumps(shout(name)), "mediaType": "application/cwl"}},
        lambda name: {
            "executionUnit": shout(name),
            "deploymentProfile": "http://www.opengis.net/profiles/eoc/workflow",
            "processDescription": None,
        },
        lambda name: {
            "executionUnit": [{"unit": shout("other")}, {"unit": shout(name)}][1:],
            "processDescription": {
                "process": {
                    "id": name,
                    "inputs": [{"id": "text", "title": "T", "literalDataDomains": [{"dataType": {"name": "string"}}]}],
                    "outputs": [],
                }
            },
        },
    ],
)
def test_older_forms_are_understood(app: TestApp, form: Callable[[str], dict]) -> None:
    """/per/deploy-replace-undeploy/deploy-body"""
    process_id = fresh()
    deploy(app, form(process_id), OGC, status=201)
    assert said(app, process_id) == "hi!"


def test_several_units_are_a_workflow_and_its_steps(app: TestApp) -> None:
    """/req/ogcapppkg/schema: executionUnit may be an array"""
    process_id = fresh()
    flow = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "id": process_id,
        "inputs": {"text": "string"},
        "steps": {"say": {"run": "louder.cwl", "in": {"text": "text"}, "out": ["said"]}},
        "outputs": {"said": {"type": "string", "outputSource": "say/said"}},
    }
    deploy(app, {"executionUnit": [{"unit": shout("louder")}, {"unit": flow}]}, OGC, status=201)
    assert said(app, process_id) == "hi!"


def test_the_package_is_given_back(app: TestApp, schema: Schema) -> None:
    """/req/ogcapppkg/package-response-body, /rec/deploy-replace-undeploy/package-response-ogcapppkg"""
    process_id = fresh()
    package = application_package(process_id)
    deploy(app, package, OGC, status=201)
    answer = app.get(f"/processes/{process_id}/package", headers={"Accept": OGC}, status=200)
    schema("part2-dru/ogcapppkg").validate(answer.json)
    assert (answer.json, answer.content_type) == (package, OGC)


def container(**members: object) -> dict:
    return {"type": "docker", "image": "example/shout:1", "command": [sys.executable, "shout.py"], **members}


def test_a_container_runs_where_its_image_is_a_folder(
    make_app: Callable[..., TestApp], schema: Schema, tmp_path: Path
) -> None:
    """/req/docker/execution-unit, /req/docker/schema,
    /rec/ogcapppkg/execution-unit-docker: the image that the operator mapped"""
    (tmp_path / "image").mkdir()
    app = make_app(f"sandbox.images=example/shout:1={tmp_path / 'image'}", "sandbox.kind=none")
    code = (
        "import sys; given = sys.argv; text, count = given.index('--text') + 1, given.index('-n') + 1; "
        "open('said.txt', 'w').write(given[text] + '?' * int(given[count]))"
    )
    unit = container(
        command=[sys.executable, "-c", code],
        bindings={"inputBindings": {"count": {"prefix": "-n"}}},
        config={"memoryMax": 1, "jobTimeout": 60},
    )
    package = application_package("louder", unit)
    package["processDescription"]["process"]["inputs"]["count"] = {"schema": {"type": "integer"}}
    schema("part2-dru/ogcapppkg").validate(package)
    deploy(app, package | {"deploymentProfile": DOCKER}, OGC, status=201)
    answer = app.post_json(
        "/processes/louder/execution", {"inputs": {"text": "hi", "count": 2}, "response": "document"}, status=200
    )
    assert answer.json == {"said": "hi??"}
    assert (
        "/executionUnit/command"
        in deploy(app, application_package(fresh(), container(command=None)), OGC, status=400).json["detail"]
    )
    assert (
        app.post_json("/processes/louder/execution", {"inputs": {"text": "hi", "count": 1.5}}, status=400).json[
            "errors"
        ][0]["pointer"]
        == "/inputs/count"
    )


@pytest.mark.parametrize(
    ("unit", "profile", "told"),
    [
        (container(command=[]), None, "/executionUnit/command"),
        (container(image=None), None, "/executionUnit/image"),
        (container(image=5), None, "/executionUnit/image"),
        (container(bindings=[]), None, "/executionUnit/bindings"),
        (container(config={"cpuMin": "x"}), None, "/executionUnit/config/cpuMin"),
        (container(), "http://www.opengis.net/profiles/eoc/workflow", "dockerizedApplication"),
    ],
)
def test_a_container_that_cannot_run_is_refused(
    app: TestApp, schema: Schema, unit: dict, profile: str | None, told: str
) -> None:
    """/req/ogcapppkg/profile-docker, /req/docker/execution-unit: nothing is offered that could only fail"""
    package = application_package(fresh(), unit) | ({"deploymentProfile": profile} if profile else {})
    answer = deploy(app, package, OGC, status=400)
    assert_refused(answer, schema, 400)
    assert told in answer.json["detail"]


def test_an_image_that_nobody_can_start_is_refused(app: TestApp, schema: Schema) -> None:
    """/rec/ogcapppkg/execution-unit-docker: where a container engine
    answers, the image is pulled when a job needs it"""
    answer = deploy(app, application_package(fresh(), container()), OGC, status="*")
    if answer.status_int != 201:
        assert_refused(answer, schema, 400)
        assert "example/shout:1" in answer.json["detail"]
