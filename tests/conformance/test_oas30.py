"""Requirements classes "oas30" of 1.0 and "oas", "oas30" of 2.0: the API definition is valid, complete and true.

/req/oas/completeness, /req/oas/definition, /req/oas/exceptions-codes,
/req/oas/oas-impl, /req/oas/security are the same in both.
"""

from collections.abc import Iterator

import pytest
from webtest import TestApp

from tests.support.answers import api_of
from tests.support.client import finished, submit
from tests.support.definition import operations, resolved, undefined
from tests.support.packages import application_package, deploy, fresh, patch, put, shout, sweep
from tests.support.waiting import wait_until

DEPLOYED, FOLDERS = "deployed-as-defined", []


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


def test_every_operation_answers_as_defined(
    app: TestApp, api: dict, successful_job: str, file_path: str, schedule_id: str
) -> None:
    """/req/oas30/oas-impl, /req/oas30/completeness: each path, with success,
    bad parameters, impossible forms and in HTML"""
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
    """/req/oas30/exceptions-codes: all codes of errors that originate from the
    server, so also the 403 for another origin"""
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
    """/req/oas30/exceptions-codes, /req/oas30/oas-impl: 400, 404 and 406 are
    documented where they exist, and only there"""
    wrong = []
    for path, method, operation in operations(api):
        if method != "get":
            continue
        url = filled(path, successful_job, file_path, schedule_id)
        got = {
            400: app.get(f"{url}?nonsense=1", status="*").status_int,
            406: app.get(url, headers={"Accept": "image/x-none"}, status="*").status_int,
        }
        if path.endswith("/results/{output}/{path}"):
            del got[406]  # items of arrays have forms, files of folders have not
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
