"""Requirements classes "oas30" of 1.0 and "oas", "oas30" of 2.0: the definition itself is there, valid and complete."""

import json
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from webtest import TestApp

from tests.support.answers import api_of, hrefs_of, links_of
from tests.support.definition import operations, references, resolved
from tests.support.packages import deploy, fresh, shout
from tests.support.plugin_makers import source

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


def test_the_landing_page_links_to_json_and_html(app: TestApp) -> None:
    """/req/oas30/oas-definition-1; 2.0 /req/oas/definition"""
    landing = app.get("/").json
    assert [link["type"] for link in links_of(landing, "service-desc")] == [OPENAPI]
    assert [link["type"] for link in links_of(landing, "service-doc")] == ["text/html"]
    assert app.get(hrefs_of(landing, "service-doc")[0], status=200).content_type == "text/html"


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        OPENAPI,
        "application/vnd.oai.openapi+json; version=3.0",
        "application/vnd.oai.openapi+json",
        "application/vnd.oai.openapi+json;version=3.0, application/json;q=0.5",
    ],
)
def test_the_definition_has_its_media_type(app: TestApp, accept: str | None) -> None:
    """/req/oas30/oas-definition-1"""
    answer = app.get("/api", headers={"Accept": accept} if accept else {}, status=200)
    assert answer.headers["Content-Type"].replace(" ", "") == OPENAPI


def test_the_definition_is_valid(api: dict) -> None:
    """/req/oas30/oas-definition-2; 2.0 /req/oas30/oas-definition"""
    assert api["openapi"].startswith("3.0.")
    OpenAPIV30SpecValidator(api).validate()
    ids = [operation["operationId"] for _, _, operation in operations(api)]
    assert len(ids) == len(set(ids))


def test_the_definition_refers_to_nothing_elsewhere(api: dict) -> None:
    """/req/oas30/oas-definition-2: no network is needed to read it"""
    assert set(references(api)) != set()
    assert all(reference.startswith("#/") for reference in references(api))


def test_the_definition_of_many_processes_stays_small_and_valid(make_app: object, tmp_path: Path) -> None:
    """/req/oas30/oas-definition-2: below 300 kB, whatever is on offer"""
    (tmp_path / "many.py").write_text(source("many"), "utf-8")
    app = make_app(f"plugins.folders={tmp_path}")
    assert len(app.get("/processes?limit=1000").json["processes"]) > 300
    answer = app.get("/api", status=200)
    assert len(answer.body) < 300_000
    OpenAPIV30SpecValidator(json.loads(answer.body)).validate()


def test_every_path_of_the_standard_is_defined(api: dict) -> None:
    """/req/oas30/completeness"""
    defined = {
        (method, path.replace("{process}", "{}").replace("{job}", "{}").replace("{output}", "{}"))
        for path, method, _ in operations(api)
    }
    assert {
        ("get", "/"),
        ("get", "/conformance"),
        ("get", "/processes"),
        ("get", "/processes/{}"),
        ("post", "/processes/{}/execution"),
        ("get", "/jobs"),
        ("get", "/jobs/{}"),
        ("delete", "/jobs/{}"),
        ("get", "/jobs/{}/results"),
        ("get", "/jobs/{}/results/{}"),
    } <= defined


@pytest.mark.parametrize(
    ("given", "defined"),
    [
        (
            {"type": "number", "exclusiveMinimum": 0, "maximum": 9},
            {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 9},
        ),
        ({"const": {"a": 1}, "$comment": "c", "examples": ["x"]}, {"enum": [{"a": 1}]}),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, {"type": "array", "items": {}}),
        (
            {
                "type": "object",
                "properties": {"k": {}, "n": {"type": ["null", "integer", "string"]}},
                "required": [],
                "patternProperties": {"^x": {}},
            },
            {"type": "object", "properties": {"k": {}, "n": {"nullable": True}}},
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": ["string", "null"]}]},
            {"anyOf": [{"enum": [None], "nullable": True}, {"type": "string", "nullable": True}]},
        ),
    ],
)
def test_no_description_makes_the_definition_invalid(app: TestApp, given: dict, defined: dict) -> None:
    """/req/oas30/oas-definition-2: clients describe inputs in JSON Schema, of which OpenAPI 3.0 knows a part"""
    unit = {
        "value": shout(inputs={"text": "Any"}, outputs={}, expression="${return {};}"),
        "mediaType": "application/cwl+json",
    }
    process = {"id": fresh("schema"), "inputs": {"text": {"schema": given}}}
    deploy(
        app,
        {"processDescription": {"process": process}, "executionUnit": unit},
        "application/ogcapppkg+json",
        status=201,
    )
    definition = api_of(app)
    app.delete(f"/processes/{process['id']}", status=204)
    assert list(OpenAPIV30SpecValidator(definition).iter_errors()) == []
    request = definition["components"]["schemas"][f"execute-{process['id']}"]
    assert request["properties"]["inputs"]["properties"]["text"]["anyOf"][0] == defined


def test_inputs_by_reference_are_in_the_definition(app: TestApp, api: dict, site: ThreadingHTTPServer) -> None:
    """/req/oas30/oas-impl"""
    site.pages = {"/name": (200, {"Content-Type": "text/plain"}, b"Ada")}
    path, body = (
        "/processes/greet/execution",
        {"inputs": {"name": {"href": f"{site.url}/name", "type": "text/plain"}}, "response": "document"},
    )
    assert resolved(api, api["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]).is_valid(
        body
    )
    assert app.post_json(path, body, status=200).json == {"greeting": "Hello Ada"}


def test_what_needs_no_credentials_documents_none(app: TestApp, api: dict) -> None:
    """/req/oas30/security: schemes are documented where operations are access-controlled; here none is"""
    assert "security" not in api
    for path, _, operation in operations(api):
        assert "security" not in operation, path
        assert "401" not in operation["responses"], path
    app.get("/jobs", status=200)
