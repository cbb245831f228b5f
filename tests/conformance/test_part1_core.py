"""Requirements class "core" of both editions, without execution and results: service, processes, status."""

import socket
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from webtest import TestApp

from tests.support.answers import (
    CONF,
    EDITIONS,
    REL,
    Schema,
    api_of,
    assert_exception,
    assert_limit_parameter,
    hrefs_of,
    links_of,
    query_parameter,
)
from tests.support.client import Served

#: Every conformance class of Part 1; a URI of ours that is not here is misspelt.
CLASSES = {
    *(
        f"{CONF}1.0/conf/{name}"
        for name in ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "callback", "dismiss")
    ),
    *(
        f"{CONF}2.0/conf/{name}"
        for name in (
            "core",
            "ogc-process-description",
            "json",
            "html",
            "oas",
            "oas30",
            "oas31",
            "job-list",
            "callback",
            "dismiss",
            "kvp-execute",
            "query-param-profile",
            "collection-input",
            "collection-output",
            "remote-collections",
            "local-filtering",
        )
    ),
}
MANY = "from weaver_like.authoring import process\n" + "".join(
    f'''
@process(id="many-{number:02}")
def many_{number:02}() -> str:
    return "{number}"
'''
    for number in range(15)
)


def exchange(server: Served, request: bytes) -> bytes:
    """What the server sends for these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_the_server_speaks_http_1_1(server: Served) -> None:
    """/req/core/http; two requests on one connection, as RFC 9112 section 9.3 has it"""
    once = b"GET /conformance HTTP/1.1\r\nHost: localhost\r\n"
    received = exchange(server, once + b"\r\n" + once + b"Connection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 200 ") == 2


def test_a_request_without_host_answers_400(server: Served) -> None:
    """/req/core/http; RFC 9112 section 3.2: a server must answer 400 to a request of HTTP/1.1 without Host"""
    received = exchange(server, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_landing_page_links_to_definition_conformance_and_processes(
    app: TestApp, schema: Schema, edition: str
) -> None:
    """/req/core/landingpage-op, /req/core/landingpage-success"""
    answer = app.get("/", status=200)
    schema(f"{edition}/landingPage").validate(answer.json)
    assert links_of(answer.json, "service-desc") or links_of(answer.json, "service-doc")
    assert hrefs_of(answer.json, REL + "conformance") == ["http://localhost/conformance"]
    assert hrefs_of(answer.json, REL + "processes") == ["http://localhost/processes"]


def test_every_link_of_the_landing_page_leads_somewhere(app: TestApp) -> None:
    """/req/core/landingpage-success: links to resources; each answers in the media type that it tells"""
    for link in app.get("/").json["links"]:
        answer = app.get(link["href"], status=200)
        assert answer.content_type == link["type"].partition(";")[0], link


def test_every_api_definition_can_be_got(app: TestApp) -> None:
    """/req/core/api-definition-op, /req/core/api-definition-success"""
    landing = app.get("/").json
    for link in links_of(landing, "service-desc") + links_of(landing, "service-doc"):
        answer = app.get(link["href"], status=200)
        assert answer.content_length > 1000
    assert api_of(app)["openapi"].startswith("3.0")


@pytest.mark.parametrize("edition", EDITIONS)
def test_conformance_lists_classes_of_both_editions(app: TestApp, schema: Schema, edition: str) -> None:
    """/req/core/conformance-op, /req/core/conformance-success"""
    answer = app.get("/conformance", status=200)
    schema(f"{edition}/confClasses").validate(answer.json)
    declared = answer.json["conformsTo"]
    assert len(declared) == len(set(declared))
    number = "1.0" if edition == "part1-1.0" else "2.0"
    names = ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "callback", "dismiss")
    assert {f"{CONF}{number}/conf/{name}" for name in names} <= set(declared)


def test_no_declared_class_is_misspelt(app: TestApp) -> None:
    """/req/core/conformance-success"""
    part1 = {uri for uri in app.get("/conformance").json["conformsTo"] if uri.startswith(CONF)}
    assert part1 <= CLASSES


def test_every_declared_class_has_its_tests(app: TestApp) -> None:
    """/req/core/conformance-success: what is declared is what is tested; a file here names every class"""
    texts = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for uri in app.get("/conformance").json["conformsTo"]:
        if uri.startswith(CONF):
            assert f"/req/{uri.rpartition('/')[2]}/" in texts, uri


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_process_list(app: TestApp, schema: Schema, edition: str) -> None:
    """/req/core/process-list, /req/core/process-list-success; 2.0 /req/core/process-list-op"""
    answer = app.get("/processes", status=200)
    schema(f"{edition}/processList").validate(answer.json)
    assert "echo" in [process["id"] for process in answer.json["processes"]]


def test_the_limit_of_the_process_list_is_defined(app: TestApp) -> None:
    """/req/core/pl-limit-definition; 2.0 /per/core/limit-default-minimum-maximum: another default"""
    assert_limit_parameter(query_parameter(app, "/processes", "limit"), default=100)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_the_process_list_has_no_more_than_the_limit(app: TestApp, limit: int) -> None:
    """/req/core/pl-limit-response"""
    assert len(app.get(f"/processes?limit={limit}").json["processes"]) == limit


def test_a_limit_beyond_the_maximum_is_the_maximum(app: TestApp) -> None:
    """/req/core/pl-limit-response"""
    assert 1 < len(app.get("/processes?limit=10001", status=200).json["processes"]) <= 10000


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "ten", "", "1&limit=2"])
def test_a_bad_limit_answers_400(app: TestApp, schema: Schema, limit: str) -> None:
    """/req/core/pl-limit-definition: an integer of at least 1"""
    assert_exception(app.get(f"/processes?limit={limit}", status=400), schema, 400, "invalid-query-parameter-value")


def test_pages_show_every_process_once(make_app: object, tmp_path: Path) -> None:
    """/req/core/pl-limit-definition; 2.0 /rec/core/next-1, -2, -3"""
    (tmp_path / "many.py").write_text(MANY, "utf-8")
    app = make_app(f"plugins.folders={tmp_path}", "server.processes_page_size=10")
    assert query_parameter(app, "/processes", "limit")["schema"]["default"] == 10
    pages = [app.get("/processes").json]
    while following := hrefs_of(pages[-1], "next"):
        pages.append(app.get(following[0]).json)
    assert [len(page["processes"]) for page in pages] == [10, 10, len(pages[-1]["processes"])]
    shown = [process["id"] for page in pages for process in page["processes"]]
    assert len(shown) == len(set(shown))
    assert {f"many-{number:02}" for number in range(15)} | {"echo", "sleep"} <= set(shown)


@pytest.mark.parametrize("path", ["/processes", "/processes?limit=3"])
def test_the_process_list_links_to_itself_and_its_page(app: TestApp, path: str) -> None:
    """/req/core/pl-links"""
    listed = app.get(path).json
    assert hrefs_of(listed, "self") == [f"http://localhost{path}"]
    assert app.get(hrefs_of(listed, "self")[0]).json == listed
    alternates = {link["type"]: link["href"] for link in links_of(listed, "alternate")}
    assert set(alternates) == {"text/html"}
    assert app.get(alternates["text/html"], status=200).content_type == "text/html"


def test_a_process_is_described(app: TestApp, schema: Schema) -> None:
    """/req/core/process, /req/core/process-success; 2.0 /req/core/process-description-op, -success"""
    for edition in EDITIONS:
        for process in app.get("/processes").json["processes"]:
            answer = app.get(f"/processes/{process['id']}", status=200)
            schema(f"{edition}/process").validate(answer.json)
            assert answer.json["id"] == process["id"]


@pytest.mark.parametrize("name", ["nope", "ECHO", "echo%20", "%C3%A9", f"invalid-{uuid.UUID(int=7)}"])
def test_an_unknown_process_answers_404_no_such_process(app: TestApp, schema: Schema, name: str) -> None:
    """/req/core/process-exception/no-such-process"""
    assert_exception(app.get(f"/processes/{name}", status=404), schema, 404, "no-such-process")


def test_executing_an_unknown_process_answers_404_no_such_process(app: TestApp, schema: Schema) -> None:
    """/req/core/process-exception/no-such-process"""
    assert_exception(
        app.post_json("/processes/nope/execution", {"inputs": {}}, status=404), schema, 404, "no-such-process"
    )


def test_there_is_a_process_to_test(app: TestApp) -> None:
    """/req/core/test-process"""
    described = app.get("/processes/echo").json
    assert described["inputs"].keys() == described["outputs"].keys()
    assert {"sync-execute", "async-execute"} <= set(described["jobControlOptions"])


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("status", ["successful", "failed", "running", "dismissed"])
def test_the_status_of_a_job(
    app: TestApp, schema: Schema, request: pytest.FixtureRequest, status: str, edition: str
) -> None:
    """/req/core/job, /req/core/job-success; 2.0 /req/core/job-op: id, status, processingEntityType"""
    job_id = request.getfixturevalue(f"{status}_job")
    answer = app.get(f"/jobs/{job_id}", status=200)
    schema(f"{edition}/statusInfo").validate(answer.json)
    assert answer.json["status"] == status
    assert answer.json["id" if "2.0" in edition else "jobID"] == job_id
    assert answer.json["processingEntityType" if "2.0" in edition else "type"] == (
        "ogc-api-processes" if "2.0" in edition else "process"
    )


@pytest.mark.parametrize("job", ["nope", str(uuid.UUID(int=7)), "%C3%A9", "%00"])
@pytest.mark.parametrize(
    "path",
    ["", "/results", "/results/message", "/inputs", "/outputs", "/logs", "/events", "/exceptions", "/statistics"],
)
def test_an_unknown_job_answers_404_no_such_job(app: TestApp, schema: Schema, job: str, path: str) -> None:
    """/req/core/job-exception-no-such-job, /req/core/job-results-exception/no-such-job"""
    assert_exception(app.get(f"/jobs/{job}{path}", status=404), schema, 404, "no-such-job")


@pytest.mark.parametrize("path", ["/", "/conformance", "/api", "/processes", "/processes/echo", "/jobs"])
def test_head_answers_as_get_without_body(app: TestApp, path: str) -> None:
    """2.0 /rec/core/http-head, /rec/core/content-length"""
    got, head = app.get(path), app.head(path, status=200)
    assert head.body == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.headers["Content-Length"] == str(len(got.body))


def test_the_links_of_a_job_lead_to_its_parts(app: TestApp, successful_job: str) -> None:
    """2.0 /rec/core/job-links: monitor, results, log; each answers 200"""
    status = app.get(f"/jobs/{successful_job}").json
    assert hrefs_of(status, "monitor") == [f"http://localhost/jobs/{successful_job}"]
    assert hrefs_of(status, REL + "results") == [f"http://localhost/jobs/{successful_job}/results?f=json"]
    assert hrefs_of(status, REL + "log")
    for link in status["links"]:
        app.get(link["href"], status=200)


def test_times_of_a_job_follow_each_other(app: TestApp, successful_job: str, dismissed_job: str) -> None:
    """2.0 /rec/core/job-status: created, started, finished, updated"""
    status = app.get(f"/jobs/{successful_job}").json
    assert status["created"] <= status["started"] <= status["finished"] <= status["updated"]
    assert status["progress"] == 100
    assert status["processID"] == "echo"
    assert app.get(f"/jobs/{dismissed_job}").json["finished"]
