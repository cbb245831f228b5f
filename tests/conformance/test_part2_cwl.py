"""Part 2 (OGC 20-044), requirements class "cwl"."""

import json
from http.server import ThreadingHTTPServer

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from webtest import TestApp

from tests.support.answers import EDITIONS, Schema, api_of, assert_refused
from tests.support.packages import CWL, application_package, deploy, fresh, said, shout

pytestmark = pytest.mark.usefixtures("swept")
YAML = """cwlVersion: v1.2
class: ExpressionTool
id: {id}
requirements: {{InlineJavascriptRequirement: {{}}}}
inputs:
  zulu: string?
  text: {{type: string}}
  alpha: string?
outputs:
  said: string
expression: "${{return {{said: inputs.text + '!'}};}}"
"""


def graph(*names: str, **more: dict) -> dict:
    """Workflows of these names, and a tool that each of them runs."""
    step = {"say": {"run": "#tool", "in": {"text": "text"}, "out": ["said"]}}
    flows = [
        {
            "class": "Workflow",
            "id": name,
            "inputs": {"text": "string"},
            "outputs": {"said": {"type": "string", "outputSource": "say/said"}},
            "steps": step,
        }
        for name in names
    ]
    tool = {key: value for key, value in shout("tool").items() if key != "cwlVersion"}
    return {"cwlVersion": "v1.2", "$graph": [tool, *flows], **more}


@pytest.mark.parametrize(
    "kind",
    [
        "application/cwl",
        "application/cwl+json",
        "application/x-cwl",
        "application/json",
        "application/cwl; charset=UTF-8",
        "APPLICATION/CWL",
    ],
)
def test_cwl_as_json(app: TestApp, kind: str) -> None:
    """/req/cwl/body, /req/cwl/deploy-body, /rec/deploy-replace-undeploy/deploy-body-cwl"""
    tool = shout(fresh())
    deploy(app, tool, kind, status=201)
    assert said(app, tool["id"]) == "hi!"


def test_what_the_official_schema_admits(app: TestApp, schema: Schema) -> None:
    """/req/cwl/body: cwl.yaml; it knows command line tools and workflows, and wants the first to name their command"""
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": fresh(),
        "baseCommand": "echo",
        "stdout": "said",
        "inputs": {"text": {"type": "string", "inputBinding": {"position": 1}}},
        "outputs": {"said": {"type": "stdout"}},
    }
    schema("part2-dru/cwl").validate(tool)
    deploy(app, tool, status=201)
    assert app.get(f"/processes/{tool['id']}").json["inputs"].keys() == {"text"}


@pytest.mark.parametrize(
    "kind",
    [
        "application/cwl",
        "application/cwl+yaml",
        "application/x-cwl",
        "application/yaml",
        "application/x-yaml",
        "text/yaml",
        "text/x-yaml",
    ],
)
def test_cwl_as_yaml(app: TestApp, kind: str) -> None:
    """/req/cwl/body, /req/cwl/deploy-body; inputs stay in the order of the document"""
    process_id = fresh()
    deploy(app, YAML.format(id=process_id), kind, status=201)
    assert list(app.get(f"/processes/{process_id}").json["inputs"]) == ["zulu", "text", "alpha"]
    assert said(app, process_id) == "hi!"


def test_json_may_be_indented_with_tabs(app: TestApp) -> None:
    """/req/cwl/body: JSON is YAML, but for the tabs"""
    tool = shout(fresh())
    body = json.dumps(tool, indent="\t")
    deploy(app, body, "application/cwl+json", status=201)
    assert said(app, tool["id"]) == "hi!"
    assert app.get(f"/processes/{tool['id']}/package").text == body


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(shout("ID")),
        json.dumps(application_package("ID")),
        YAML.replace("{id}", "ID").replace("{{", "{").replace("}}", "}"),
    ],
)
def test_a_body_without_a_content_type_is_looked_at(app: TestApp, text: str) -> None:
    """/req/cwl/body: an extension"""
    process_id = fresh()
    answer = app.request(
        "/processes",
        method="POST",
        body=text.replace("ID", process_id).encode(),
        environ={"CONTENT_TYPE": ""},
        status=201,
    )
    assert answer.json["id"] == process_id
    assert said(app, process_id) == "hi!"


def test_an_execution_unit_by_value(app: TestApp, schema: Schema) -> None:
    """/req/cwl/execution-unit: value and mediaType"""
    process_id = fresh()
    package = application_package(process_id)
    schema("part2-dru/ogcapppkg").validate(package)
    deploy(app, package, "application/ogcapppkg+json", status=201)
    assert said(app, process_id) == "hi!"


def test_an_execution_unit_by_reference(app: TestApp, site: ThreadingHTTPServer) -> None:
    """/req/cwl/execution-unit: href and type; what the document refers to comes from where it is, once.

    ogcapppkg.yaml cannot say it: a link with a `type` is an execution unit too, and its `oneOf` wants one of them.
    """
    process_id = fresh()
    step = {"say": {"run": "../tools/shout.cwl", "in": {"text": "text"}, "out": ["said"]}}
    flow = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "inputs": {"text": "string"},
        "steps": step,
        "requirements": {"SubworkflowFeatureRequirement": {}},
        "outputs": {"said": {"type": "string", "outputSource": "say/said"}},
    }
    site.pages = {
        "/flows/a.cwl": (200, {"Content-Type": "text/plain"}, json.dumps(flow).encode()),
        "/tools/shout.cwl": (200, {}, json.dumps(shout(None)).encode()),
    }
    package = application_package(process_id, [{"href": f"{site.url}/flows/a.cwl", "type": "application/cwl"}])
    deploy(app, package, "application/ogcapppkg+json", status=201)
    site.pages = {}
    assert said(app, process_id) == "hi!"


@pytest.mark.parametrize(
    ("names", "query", "offered"),
    [
        (("{0}-b", "{0}-a"), "", ["{0}-b"]),
        (("{0}-b", "main"), "?id={0}-main", ["{0}-main"]),
        (("{0}-b", "{0}-a"), "?w={0}-a", ["{0}-a"]),
        (("{0}-b", "{0}-a"), "?w={0}-a,{0}-b", ["{0}-a", "{0}-b"]),
        (("{0}-b", "{0}-a"), "?w={0}-a&id={0}-c", ["{0}-c"]),
    ],
)
def test_w_chooses_workflows(app: TestApp, names: tuple, query: str, offered: list) -> None:
    """/req/cwl/deploy-w-param: without it the first workflow, or `main`"""
    prefix = fresh("w")
    body = graph(*(name.format(prefix) for name in names))
    answer = deploy(app, body, query=query.format(prefix), status=201)
    found = [answer.json["id"], *(process["id"] for process in answer.json.get("processes", []))]
    assert found == [name.format(prefix) for name in offered]
    listed = [
        process["id"]
        for process in app.get("/processes?limit=10000").json["processes"]
        if process["id"].startswith(prefix)
    ]
    assert sorted(found) == listed
    assert [said(app, name) for name in found] == ["hi!"] * len(found)


def test_w_chooses_all(app: TestApp) -> None:
    """/req/cwl/deploy-w-param: an extension; the tool of the graph is a process too"""
    first, second = fresh(), fresh()
    body = json.loads(json.dumps(graph(first, second)).replace("tool", f"tool-{first}"))
    answer = deploy(app, body, query="?w=*", status=201)
    assert [answer.json["id"], *(process["id"] for process in answer.json["processes"])] == [
        f"tool-{first}",
        first,
        second,
    ]
    assert said(app, second) == "hi!"


def test_all_of_several_or_none(app: TestApp) -> None:
    """/req/cwl/deploy-w-param, /req/deploy-replace-undeploy/deploy-response-duplicate"""
    taken, free = fresh(), fresh()
    deploy(app, shout(taken), status=201)
    deploy(app, graph(free, taken), query=f"?w={free},{taken}", status=409)
    app.get(f"/processes/{free}", status=404)


@pytest.mark.parametrize("query", ["?w=nope", "?w=main,nope"])
@pytest.mark.parametrize("body", [graph("main"), shout("main")])
def test_an_unknown_workflow_answers_400(app: TestApp, schema: Schema, query: str, body: dict) -> None:
    """/req/cwl/deploy-exception-workflow-not-found"""
    answer = deploy(app, body, query=query, status=400)
    assert_refused(answer, schema, 400, "workflow-not-found")
    assert "nope" in answer.json["detail"]


FIELDS = {
    "a": "int?",
    "b": ["null", "int", "string"],
    "c": "File?",
    "d": {"type": {"type": "enum", "symbols": ["x", "y"]}},
}
VALUES = [
    ("File?", None),
    ("Directory?", None),
    ("File[]?", []),
    ("Any", [None, {"k": 1}]),
    (["null", "Any"], None),
    ("null", None),
    (["null"], None),
    ("long?", None),
    (["null", "string", "int"], None),
    (["null", "string", "File", "Directory"], "x"),
    ({"type": "array", "items": ["null", "int"]}, [1, None]),
    ({"type": "array", "items": {"type": "array", "items": ["null", "string"]}}, [[None, "x"], []]),
    ({"type": "record", "fields": FIELDS}, {"a": None, "b": None, "c": None, "d": "x"}),
    (
        ["null", {"type": "record", "fields": FIELDS}, {"type": "array", "items": "double"}],
        {"a": 1, "b": "t", "c": None, "d": "y"},
    ),
    (["null", {"type": "enum", "symbols": ["x", "y"]}], None),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_every_type_makes_a_description_that_the_official_schemas_admit(
    app: TestApp, schema: Schema, kind: object, value: object
) -> None:
    """/req/ogcapppkg/process-description: process.yaml has no type `null`"""
    tool = {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "id": fresh(),
        "inputs": {"given": kind if isinstance(kind, str) else {"type": kind}},
        "outputs": {"back": {"type": kind}},
        "requirements": {"InlineJavascriptRequirement": {}},
        "expression": "${return {back: inputs.given};}",
    }
    deploy(app, tool, status=201)
    description = app.get(f"/processes/{tool['id']}").json
    for edition in EDITIONS:
        schema(f"{edition}/process").validate(description)
    request = {
        "inputs": {"given": {"value": value} if isinstance(value, dict) else value},
        "outputs": {"back": {}},
        "response": "document",
    }
    answer = app.post_json(f"/processes/{tool['id']}/execution", request, status=200)
    assert answer.json.get("back") in (value, {"value": value})


def test_every_type_makes_a_valid_api_definition(app: TestApp) -> None:
    """/req/oas30/oas-definition-2: OpenAPI 3.0 has no type `null`"""
    inputs = {f"i{number}": {"type": kind} for number, (kind, _) in enumerate(VALUES)}
    deploy(app, shout(fresh(), inputs=inputs, outputs={}, expression="${return {};}"), status=201)
    OpenAPIV30SpecValidator(api_of(app)).validate()


def test_the_package_is_cwl(app: TestApp) -> None:
    """/req/cwl/package-response-body, /rec/deploy-replace-undeploy/package-response-cwl: as it was sent, or as JSON"""
    process_id = fresh()
    text = YAML.format(id=process_id)
    deploy(app, text, "application/cwl+yaml", status=201)
    path = f"/processes/{process_id}/package"
    for accept in (None, "*/*", "application/cwl", "application/cwl+yaml"):
        answer = app.get(path, headers={"Accept": accept} if accept else {}, status=200)
        assert (answer.text, answer.content_type) == (text, "application/cwl+yaml")
    for accept in ("application/cwl+json", "application/json"):
        answer = app.get(path, headers={"Accept": accept}, status=200)
        assert answer.content_type == accept
        assert answer.json["class"] == "ExpressionTool"
        assert list(answer.json["inputs"]) == ["zulu", "text", "alpha"]


def test_a_package_as_json_can_be_deployed(app: TestApp) -> None:
    """/req/cwl/package-response-body: the CWL to use to deploy the process"""
    process_id, copy = fresh(), fresh()
    deploy(app, YAML.format(id=process_id), CWL, status=201)
    package = app.get(f"/processes/{process_id}/package", headers={"Accept": "application/cwl+json"}).body
    deploy(app, package, "application/cwl+json", f"?id={copy}", status=201)
    assert said(app, copy) == "hi!"
