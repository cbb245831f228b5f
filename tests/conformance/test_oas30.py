"""Requirements classes "oas30" of 1.0 and "oas", "oas30" of 2.0: the API definition is valid, complete and true.

/req/oas/completeness, /req/oas/definition, /req/oas/exceptions-codes, /req/oas/oas-impl, /req/oas/security are the same in both.
"""

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft4Validator
from openapi_spec_validator import OpenAPIV30SpecValidator
from webtest import TestApp, TestResponse

from tests.support.answers import api_of, hrefs_of, links_of
from tests.support.client import finished, submit
from tests.support.packages import application_package, deploy, fresh, patch, put, shout, sweep
from tests.support.waiting import wait_until

DEPLOYED, FOLDERS = "deployed-as-defined", []
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
MANY = """
from weaver_like.authoring import process

def make(number):
    def run(a: str, b: float = 1, c: list[int] | None = None) -> str:
        return a
    run.__name__ = run.__qualname__ = f"many_{number}"
    return process(id=f"many-{number}", title="One of many processes " * 4)(run)

globals().update({f"many_{number}": make(number) for number in range(300)})
"""


@pytest.fixture(scope="module")
def api(app: TestApp) -> dict:
    return api_of(app)


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def operations(api: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def resolved(api: dict, schema: dict) -> Draft4Validator:
    """A schema of the definition as a validator; OpenAPI 3.0 schemas are nearest to draft 4 (boolean exclusive bounds)."""
    return Draft4Validator(schema | {"components": api["components"]})


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
    (tmp_path / "many.py").write_text(MANY, "utf-8")
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


@pytest.fixture(scope="module")
def file_path(app: TestApp) -> str:
    """The path of a result file, below /outputs."""
    outputs = {"complexOutput": {"transmissionMode": "reference"}}
    job_id = submit(app, "echo-complex", {"complexInput": "text"}, response="document", outputs=outputs)
    finished(app, job_id)
    return app.get(f"/jobs/{job_id}/results").json["complexOutput"]["href"].partition("/outputs/")[2]


@pytest.fixture(scope="module")
def schedule_id(app: TestApp) -> Iterator[str]:
    """A schedule that does not fire for a while."""
    made = app.post_json(
        "/schedules", {"process": "greet", "cron": "0 0 29 2 *", "inputs": {"name": "x"}}, status=201
    ).json["id"]
    yield made
    app.delete(f"/schedules/{made}", status=204)


@pytest.fixture(scope="module", autouse=True)
def deployed(app: TestApp) -> Iterator[str]:
    """A process that has a package and revisions."""
    deploy(app, shout(DEPLOYED), status="*")
    yield DEPLOYED
    app.delete(f"/processes/{DEPLOYED}", status=204)


@pytest.fixture(scope="module", autouse=True)
def folder_job(app: TestApp) -> Iterator[str]:
    """A job one of whose results is a folder with one file; its id stands in `FOLDERS`."""
    listing = "[{class: 'File', basename: 'a.txt', contents: 'a'}]"
    tool = shout(
        "folder-as-defined",
        inputs={},
        outputs={"made": "Directory"},
        expression="${return {made: {class: 'Directory', basename: 'made', listing: " + listing + "}};}",
    )
    deploy(app, tool, status=201)
    job_id = submit(app, tool["id"])
    assert finished(app, job_id)["status"] == "successful"
    FOLDERS[:] = [job_id]
    yield job_id
    app.delete(f"/processes/{tool['id']}", status="*")


def filled(path: str, job_id: str, file_path: str, schedule_id: str) -> str:
    path = path.replace("{schedule}", schedule_id)
    if path.endswith("/results/{output}/{path}"):
        return path.replace("{job}", FOLDERS[0]).replace("{output}", "made").replace("{path}", "a.txt")
    if path.endswith(("/package", "/revisions")):
        path = path.replace("{process}", DEPLOYED)
    return (
        path.replace("{process}", "greet")
        .replace("{job}", job_id)
        .replace("{output}", "message")
        .replace("{path}", file_path)
    )


def undefined(api: dict, operation: dict, answer: TestResponse) -> list[str]:
    """What is not in the definition: the status of an answer, its media type, its JSON."""
    name = f"{operation['operationId']} {answer.status_int}"
    defined = operation["responses"].get(str(answer.status_int))
    if defined is None:
        return [f"{name}: the status is not defined"]
    if "$ref" in defined:
        defined = api["components"]["responses"][defined["$ref"].rpartition("/")[2]]
    content = {kind.partition(";")[0]: entry for kind, entry in defined.get("content", {}).items()}
    if not answer.body:
        return []
    if answer.content_type not in content and "*/*" not in content:
        return [f"{name}: {answer.content_type} is not defined, only {', '.join(content)}"]
    schema = content.get(answer.content_type, {}).get("schema")
    if not schema or not answer.content_type.endswith("json"):
        return []
    return [f"{name}: {error.message}" for error in resolved(api, schema).iter_errors(answer.json)]


def test_every_operation_answers_as_defined(
    app: TestApp, api: dict, successful_job: str, file_path: str, schedule_id: str
) -> None:
    """/req/oas30/oas-impl, /req/oas30/completeness: each path, with success, bad parameters, impossible forms and in HTML"""
    faults = []
    for path, method, operation in operations(api):
        url = filled(path, successful_job, file_path, schedule_id)
        if method != "get":
            continue
        for suffix, headers in (
            ("", {}),
            ("?nonsense=1", {}),
            ("", {"Accept": "image/png"}),
            ("", {"Accept": "text/html"}),
            ("", {"Range": "bytes=900-"}),
        ):
            answer = app.get(url + suffix, headers=headers, status="*")
            assert answer.status_int == 200 or suffix or headers, f"{url}: {answer.status_int}"
            faults += undefined(api, operation, answer)
    assert not faults


ALL_TESTED = {"echo", "wps-echo", "geo-echo", "pair-echo", "echo-complex", "greet", "sleep", "fail"}


def test_the_execution_of_every_process_answers_as_defined(app: TestApp, api: dict) -> None:
    """/req/oas30/oas-impl, /req/oas30/completeness: sync, async, bad bodies, foreign media types"""
    sent = {
        "echo": {"message": "m"},
        "echo-complex": {"complexInput": "t"},
        "greet": {"name": "Ada"},
        "pair-echo": {"pair": ["a", "b"]},
        "sleep": {"delay": 0},
    }
    for path, method, operation in operations(api):
        if method != "post" or not path.startswith("/processes/"):
            continue
        process = path.split("/")[2].replace("{process}", "greet")
        if process not in ALL_TESTED:  # other tests may have put plugins of their own there
            continue
        url, body = path.replace("{process}", process), {"inputs": sent.get(process, {})}
        answers = [
            app.post_json(url, body, status="*"),
            app.post_json(url, body, headers={"Prefer": "respond-async"}, status="*"),
            app.post_json(url, body | {"outputs": {}}, status="*"),
            app.post_json(url, {"inputs": 1}, status="*"),
            app.post(url, "<a/>", content_type="text/xml", status="*"),
            app.post_json(f"{url}?x=1", body, status="*"),
        ]
        wanted = [500 if process == "fail" else 200, 201, 500 if process == "fail" else 204, 400, 415, 400]
        if process in ("wps-echo", "geo-echo"):
            wanted[0] = answers[0].status_int
        assert [answer.status_int for answer in answers] == wanted, url
        assert [fault for answer in answers for fault in undefined(api, operation, answer)] == []


def test_deployment_answers_as_defined(app: TestApp, api: dict) -> None:
    """/req/oas30/oas-impl, /req/oas30/completeness: of Part 2 each status, media type and document"""
    name, html = fresh(), {"Accept": "text/html"}
    posted = [
        deploy(app, shout(name), status=201),
        deploy(app, shout(name), status=409),
        deploy(app, shout("echo"), status=403),
        deploy(app, "x", status=400),
        deploy(app, shout(), "text/csv", status=415),
        deploy(app, application_package(fresh()), "application/json", "?dryRun=true", status=200),
        deploy(app, shout(fresh()), query="?dryRun=true", headers=html, status=200),
        deploy(app, shout(fresh()), headers=html, status=201),
        deploy(app, shout(fresh()), headers={"Accept": "image/png"}, status=406),
    ]
    one = "/processes/{process}"
    changed = {
        "put": [
            put(app, name, shout(name), status=200),
            put(app, name, shout(name), query="?version=1.0.0", status=409),
            put(app, name, "x", status=400),
            put(app, "nope", shout("nope"), status=404),
            put(app, name, "<a/>", "text/xml", status=415),
        ],
        "patch": [
            patch(app, name, {"title": "t"}, status=200),
            patch(app, name, {"title": "t"}, status=400),
            patch(app, "echo", {"title": "t"}, status=403),
            patch(app, name, {}, "text/csv", status=415),
        ],
        "delete": [
            app.delete(f"/processes/{name}:1.0.0", status=204),
            app.delete("/processes/echo", status=403),
            app.delete(f"/processes/{name}", status=204),
            app.delete(f"/processes/{name}", status=404),
        ],
    }
    assert [fault for answer in posted for fault in undefined(api, api["paths"]["/processes"]["post"], answer)] == []
    assert [
        fault
        for method, answers in changed.items()
        for answer in answers
        for fault in undefined(api, api["paths"][one][method], answer)
    ] == []
    sweep(app, DEPLOYED, "folder-as-defined")


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


def test_errors_of_identifiers_are_defined(app: TestApp, api: dict) -> None:
    """/req/oas30/exceptions-codes: 404 of processes, jobs, outputs and files"""
    for path, method, operation in operations(api):
        if "{" in path:
            url = (
                path.replace("{process}", "nope")
                .replace("{job}", "nope")
                .replace("{output}", "nope")
                .replace("{path}", "nope/nope")
            )
            url = url.replace("{schedule}", "nope")
            answer = (
                app.post_json(url, {}, status=404)
                if method == "post"
                else app.request(url, method=method.upper(), status=404)
            )
            assert undefined(api, operation, answer) == []


def test_errors_of_limits_are_defined(make_app: object) -> None:
    """/req/oas30/exceptions-codes: 413 for large bodies, 503 for a full queue"""
    app = make_app("limits.body_bytes=1000", "limits.queue=1", "engine.workers=1")
    api = api_of(app)
    operation = api["paths"]["/processes/{process}/execution"]["post"]
    large = app.post_json("/processes/greet/execution", {"inputs": {"name": "x" * 2000}}, status=413)
    assert undefined(api, operation, large) == []
    asynchronous = {"Prefer": "respond-async"}
    first = submit(app, "sleep", {"delay": 30})
    wait_until(lambda: app.get(f"/jobs/{first}").json["status"] == "running", what="the start of the job")
    submit(app, "sleep", {"delay": 30})
    full = app.post_json("/processes/sleep/execution", {"inputs": {"delay": 30}}, headers=asynchronous, status=503)
    assert int(full.headers["Retry-After"]) > 0
    assert undefined(api, operation, full) == []
    assert undefined(api, api["paths"]["/jobs/{job}"]["delete"], app.delete(f"/jobs/{first}", status=200)) == []


@pytest.mark.parametrize(("method", "path"), [("post", "/processes/{process}/execution"), ("delete", "/jobs/{job}")])
def test_the_refusal_of_foreign_pages_is_defined(app: TestApp, api: dict, method: str, path: str) -> None:
    """/req/oas30/exceptions-codes: all codes of errors that originate from the server, so also the 403 for another origin"""
    url = path.replace("{process}", "greet").replace("{job}", "nope")
    answer = app.request(
        url,
        method=method.upper(),
        body=b"{}",
        content_type="application/json",
        headers={"Origin": "http://evil.example"},
        status=403,
    )
    assert undefined(api, api["paths"][path][method], answer) == []


def test_parts_of_files_are_defined(app: TestApp, api: dict, file_path: str) -> None:
    """/req/oas30/completeness: 206, 304 and 416 of /outputs and of one output"""
    operation = api["paths"]["/outputs/{path}"]["get"]
    whole = app.get(f"/outputs/{file_path}", status=200)
    for headers, status in (
        ({"Range": "bytes=1-2"}, 206),
        ({"Range": "bytes=99-"}, 416),
        ({"If-None-Match": whole.headers["ETag"]}, 304),
    ):
        assert undefined(api, operation, app.get(f"/outputs/{file_path}", headers=headers, status=status)) == []


def test_every_success_of_the_definition_can_be_had(
    app: TestApp, api: dict, successful_job: str, file_path: str
) -> None:
    """/req/oas30/oas-impl: each documented status of success of the operations of Part 1 exists"""
    greet, job = "/processes/greet/execution", f"/jobs/{successful_job}"
    by_reference = {
        "inputs": {"name": "Ada"},
        "response": "raw",
        "outputs": {"greeting": {"transmissionMode": "reference"}},
    }
    linked = submit(app, "greet", **by_reference)
    finished(app, linked)
    got = {
        "getLandingPage": {app.get("/").status_int},
        "getConformance": {app.get("/conformance").status_int},
        "getApi": {app.get("/api").status_int},
        "getProcesses": {app.get("/processes").status_int},
        "getProcess": {app.get("/processes/greet").status_int},
        "execute": {
            app.post_json(greet, {"inputs": {"name": "Ada"}}).status_int,
            app.post_json(greet, by_reference).status_int,
            app.post_json(greet, {"inputs": {"name": "Ada"}}, headers={"Prefer": "respond-async"}).status_int,
        },
        "getJobs": {app.get("/jobs").status_int},
        "getJob": {app.get(job).status_int},
        "getResults": {app.get(f"{job}/results").status_int, app.get(f"/jobs/{linked}/results").status_int},
        "getFile": {
            app.get(f"/outputs/{file_path}").status_int,
            app.get(f"/outputs/{file_path}", headers={"Range": "bytes=0-1"}).status_int,
        },
    }
    for _, _, operation in operations(api):
        if operation["operationId"] in got:
            promised = {int(status) for status in operation["responses"] if 200 <= int(status) < 300}
            assert promised == got[operation["operationId"]], operation["operationId"]


def test_every_documented_error_can_happen(
    app: TestApp, api: dict, successful_job: str, file_path: str, schedule_id: str
) -> None:
    """/req/oas30/exceptions-codes, /req/oas30/oas-impl: 400, 404 and 406 are documented where they exist, and only there"""
    wrong = []
    for path, method, operation in operations(api):
        if method != "get":
            continue
        url = filled(path, successful_job, file_path, schedule_id)
        got = {
            400: app.get(f"{url}?nonsense=1", status="*").status_int,
            406: app.get(url, headers={"Accept": "image/x-none"}, status="*").status_int,
        }
        for status, found in got.items():
            if (str(status) in operation["responses"]) != (found == status):
                wrong.append(f"{path} documents {status}, and answers {found}")
    assert not wrong


def test_every_process_has_an_execution_path_with_its_own_inputs(app: TestApp, api: dict) -> None:
    """/req/oas30/completeness: the request body of each process names its inputs"""
    for process in app.get("/processes").json["processes"]:
        described = app.get(f"/processes/{process['id']}").json
        body = api["paths"][f"/processes/{process['id']}/execution"]["post"]["requestBody"]["content"][
            "application/json"
        ]["schema"]
        schema = api["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        inputs = schema["properties"]["inputs"]
        assert set(inputs["properties"]) == set(described["inputs"])
        assert set(inputs.get("required", [])) == {
            name for name, entry in described["inputs"].items() if entry["minOccurs"] > 0
        }


@pytest.mark.parametrize(
    ("process", "inputs", "valid"),
    [
        ("echo", {"message": "m", "number": 1, "list": [1], "choice": "a", "bbox": {"bbox": [1, 2, 3, 4]}}, True),
        ("echo", {"number": 1}, False),
        ("echo", {"message": 1}, False),
        ("echo", {"message": "m", "choice": "z"}, False),
        ("echo", {"message": "m", "more": 1}, False),
        ("geo-echo", {"words": ["a", "b"], "level": 3, "thing": {"value": {"name": "n"}}}, True),
        ("geo-echo", {"level": 99}, False),
        ("pair-echo", {"pair": ["a", "b"]}, True),
        ("pair-echo", {"pair": ["a"]}, False),
        ("pair-echo", {"pair": ["a", "b", "c"]}, False),
        (
            "wps-echo",
            {"multiInput": ["a"], "enumInput": "a", "complexInput": {"value": "<a/>", "mediaType": "text/xml"}},
            True,
        ),
        ("greet", {"name": {"value": "Ada"}}, True),
        ("greet", {"name": {"value": 5}}, False),
    ],
)
def test_the_definition_and_the_server_agree_on_requests(
    app: TestApp, api: dict, process: str, inputs: dict, valid: bool
) -> None:
    """/req/oas30/oas-impl: what the definition admits is taken, what it excludes is refused"""
    path = f"/processes/{process}/execution"
    schema = api["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert resolved(api, schema).is_valid({"inputs": inputs}) == valid
    app.post_json(path, {"inputs": inputs}, status=200 if valid else 400)


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
