"""What clients may send by mistake or in malice when they deploy: it is refused
with a text that helps, and never breaks the server."""

import json
import subprocess
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.packages import CWL, application_package, deploy, fresh, shout
from tests.support.waiting import wait_until

OGC = "application/ogcapppkg+json"
TOOL = "cwlVersion: v1.2\nclass: CommandLineTool\nid: bad\nbaseCommand: echo\n"
STEP = (
    "cwlVersion: v1.2\nclass: Workflow\nid: bad\ninputs: {a: string}\n"
    "outputs: {o: {type: string, outputSource: s/said}}\n"
)
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)

DOCUMENTS = {
    "nothing": (b"", "empty"),
    "blanks": (b" \n\t ", "empty"),
    "a text": (b"hello", "a text"),
    "a list": (b"- 1", "a list"),
    "null": (b"null", "empty"),
    "a number": (b"5", "a number"),
    "zip": (b"PK\x03\x04\x14\x00\x00\xff\xfe", "UTF-8"),
    "utf-16": ("cwlVersion: v1.2".encode("utf-16"), "UTF-8"),
    "nul": (b'cwlVersion: v1.2\nid: "a\x00b"\n', "character"),
    "not CWL": (b'{"a": 1}', "cwlVersion"),
    "html": (b"<html></html>", "a text"),
    "version": (b"cwlVersion: v3.0\nclass: Workflow\n", "v1.0, v1.1, v1.2"),
    "draft": (b"cwlVersion: draft-3\nclass: Workflow\n", "draft-3"),
    "version of a kind": (b"cwlVersion: {a: b}\nclass: Workflow\n", "cwlVersion"),
    "no class": (b"cwlVersion: v1.2\n", "class"),
    "class": (b"cwlVersion: v1.2\nclass: Tool\ninputs: []\noutputs: []\n", "CommandLineTool"),
    "operation": (b"cwlVersion: v1.2\nclass: Operation\n", "Operation"),
    "no inputs": (TOOL.encode(), "inputs"),
    "null inputs": (f"{TOOL}inputs:\noutputs: []\n".encode(), "inputs is empty"),
    "number inputs": (f"{TOOL}inputs: 5\noutputs: []\n".encode(), "inputs is a number"),
    "outputs": (f"{TOOL}inputs: []\noutputs: x\n".encode(), "outputs"),
    "type": (f"{TOOL}inputs: {{a: strin}}\noutputs: []\n".encode(), "main.cwl:5:"),
    "null type": (f"{TOOL}inputs: {{a: null}}\noutputs: []\n".encode(), "main.cwl:5:"),
    "null in list": (f"{TOOL}inputs: [null]\noutputs: []\n".encode(), ""),
    "port without id": (f"{TOOL}inputs: [{{type: string}}]\noutputs: []\n".encode(), ""),
    "id": (b"cwlVersion: v1.2\nclass: Workflow\nid: {a: 1}\ninputs: []\noutputs: []\nsteps: []\n", "id"),
    "syntax": (f"{TOOL}inputs: [\n".encode(), "main.cwl:6:1"),
    "bad id": (
        b"cwlVersion: v1.2\nclass: ExpressionTool\nid: a b\ninputs: []\noutputs: []\nexpression: '$(null)'\n",
        "letters",
    ),
    "no id": (b"cwlVersion: v1.2\nclass: ExpressionTool\ninputs: []\noutputs: []\nexpression: '$(null)'\n", "/id"),
    "two documents": (f"{TOOL}---\n{TOOL}".encode(), "main.cwl:"),
    "tag": (f"{TOOL}inputs: !!python/object/apply:os.system ['id']\noutputs: []\n".encode(), ""),
    "requirement": (
        f"{TOOL}inputs: []\noutputs: []\nrequirements: {{FooRequirement: {{}}}}\n".encode(),
        "FooRequirement",
    ),
    "bomb": (BOMB.encode(), "200000 parts"),
    "self": (b"cwlVersion: v1.2\na: &a [*a]\n", "contains itself"),
    "deep": (b"cwlVersion: v1.2\na: " + b"[" * 300 + b"]" * 300, "deep"),
    "very deep": (b"[" * 200_000, ""),
    "deep mapping": (b'{"a":' * 5000 + b"1" + b"}" * 5000, ""),
    "cycle": ((STEP + "steps: {s: {run: main.cwl, in: {a: a}, out: [said]}}\n").encode(), "refers to itself"),
    "no run": ((STEP + "steps: {s: {in: {a: a}, out: [said]}}\n").encode(), "run"),
    "missing run": ((STEP + "steps: {s: {run: tools/nope.cwl, in: {a: a}, out: [said]}}\n").encode(), "tools/nope.cwl"),
    "outside": ((STEP + "steps: {s: {run: ../../other.cwl, in: {a: a}, out: [said]}}\n").encode(), "other.cwl"),
    "place of the reader": (
        (
            STEP + "steps: {s: {run: {class: Workflow, inputs: [], outputs: [], "
            "steps: {t: {run: ../../nope.cwl, in: [], out: []}}}, in: [], out: []}}\n"
        ).encode(),
        "run is '../../nope.cwl'",
    ),
    "step of its own": ((STEP + "steps: {s: {run: '#', in: {a: a}, out: [said]}}\n").encode(), "a step of its own"),
    "library": (f"{TOOL}inputs: []\noutputs: []\ndoc: {{a: b}}\n".encode(), "value is a mapping"),
    "passwd": (f"{TOOL}inputs: {{$import: 'file:///etc/passwd'}}\noutputs: []\n".encode(), "outside of the package"),
    "include": (f"{TOOL}inputs: []\noutputs: []\ndoc: {{$include: /etc/passwd}}\n".encode(), "outside of the package"),
    "dots": (f"{TOOL}inputs: {{$import: ../../x.yml}}\noutputs: []\n".encode(), "../../x.yml"),
    "metadata": (
        f"{TOOL}inputs: {{$import: 'http://169.254.169.254/latest/meta-data'}}\noutputs: []\n".encode(),
        "169.254.169.254",
    ),
    "private": ((STEP + "steps: {s: {run: 'http://10.0.0.1/x.cwl', in: {a: a}, out: [said]}}\n").encode(), "10.0.0.1"),
    "ftp": ((STEP + "steps: {s: {run: 'ftp://example.org/x.cwl', in: {a: a}, out: [said]}}\n").encode(), "x.cwl"),
    "graph": (b"cwlVersion: v1.2\n$graph: 5\n", "$graph"),
    "empty graph": (b"cwlVersion: v1.2\n$graph: []\n", "$graph"),
    "graph of nulls": (b"cwlVersion: v1.2\n$graph: [null]\n", "$graph"),
    "nameless graph": (b"cwlVersion: v1.2\n$graph: [{class: Workflow}]\n", "inputs"),
    "surrogate": (json.dumps(shout("bad", label="\ud800")).encode(), ""),
    "infinite": (f"{TOOL}inputs: {{a: {{type: float, default: .inf}}}}\noutputs: []\n".encode(), ""),
    "version text": (
        f"{TOOL}inputs: []\noutputs: []\n$namespaces: {{s: 'https://schema.org/'}}\n"
        f"s:softwareVersion: {'1' * 300}\n".encode(),
        "version",
    ),
}


@pytest.mark.parametrize("kind", [CWL, "application/yaml"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_no_package(app: TestApp, name: str, kind: str) -> None:
    body, told = DOCUMENTS[name]
    answer = deploy(app, body, kind, status=400).json
    assert told in json.dumps(answer, ensure_ascii=False)
    assert len(answer["detail"]) < 1500
    assert "/package" not in answer["detail"], "the folder where it was read is nobody's business"
    assert not any("\n" in error["detail"] for error in answer.get("errors", ()))


def test_a_hint_that_nobody_knows_is_kept_with_a_warning(app: TestApp) -> None:
    tool = shout(fresh(), hints={"FooRequirement": {"much": 1}})
    answer = deploy(app, tool, status=201)
    assert len(answer.json["warnings"]) == 1
    assert "FooRequirement" in answer.json["warnings"][0]
    assert json.loads(app.get(f"/processes/{tool['id']}/package").body) == tool
    app.delete(f"/processes/{tool['id']}", status=204)


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ({"inputs": {"a": "File"}, "outputs": {}}, "there is no command to run"),
        (
            {"inputs": {"a": {"type": "File", "inputBinding": {}}}, "outputs": {}},
            "its first input is taken for the command",
        ),
        (
            {"baseCommand": "ls", "inputs": {}, "outputs": {"a": "File", "b": "stdout", "c": "File?"}},
            "output 'a' has no outputBinding",
        ),
    ],
    ids=["no command", "no baseCommand", "no glob"],
)
def test_what_is_hardly_meant_is_told_when_it_is_deployed(app: TestApp, tool: dict, told: str) -> None:
    answer = deploy(
        app,
        {"cwlVersion": "v1.2", "class": "CommandLineTool", "id": "doubtful"} | tool,
        query="?dryRun=true",
        status=200,
    )
    assert len(answer.json["warnings"]) == 1
    assert told in answer.json["warnings"][0]


def test_a_fault_deep_inside_is_told_without_the_way_to_it(app: TestApp) -> None:
    tool = TOOL.replace("baseCommand", "basecommand")
    body = f"{tool}inputs:\n  a: {{type: File, inputBinding: {{positon: 1}}}}\noutputs: []\n"
    errors = deploy(app, body, status=400).json["errors"]
    assert [(error["pointer"], error["detail"].partition(",")[0]) for error in errors] == [
        ("main.cwl:6:34", "invalid field 'positon'"),
        ("main.cwl:4:1", "invalid field 'basecommand'"),
    ]


def test_a_type_that_is_none_is_told_with_those_that_are(app: TestApp) -> None:
    assert (
        "integer', but there is nothing of that name; known are null, boolean, int,"
        in deploy(app, f"{TOOL}inputs: {{a: integer}}\noutputs: []\n", status=400).json["detail"]
    )


def test_loopback_is_closed_unless_the_operator_opens_it(make_app: object, site: ThreadingHTTPServer) -> None:
    app = make_app()
    site.pages = {"/x.cwl": (200, {}, json.dumps(shout("x")).encode())}
    for unit in (
        {"href": f"{site.url}/x.cwl"},
        {"href": "http://169.254.169.254/x"},
        {"href": "file:///etc/passwd"},
        {"href": "s3://bucket/x"},
        {"href": "x"},
    ):
        answer = deploy(app, {"executionUnit": unit}, OGC, status=400).json
        assert answer["errors"][0]["pointer"] == "/executionUnit/href"
    assert deploy(app, STEP + f"steps: {{s: {{run: '{site.url}/x.cwl', in: {{a: a}}, out: [said]}}}}\n", status=400)


def test_what_is_fetched_may_be_no_package(app: TestApp, site: ThreadingHTTPServer) -> None:
    site.pages = {
        "/html": (200, {"Content-Type": "text/html"}, b"<html>"),
        "/gone": (404, {}, b""),
        "/latin": (200, {}, b"\xe9"),
        "/loop": (302, {"Location": "/loop"}, b""),
    }
    for path in site.pages:
        deploy(app, {"executionUnit": {"href": site.url + path, "type": "application/cwl"}}, OGC, status=400)


def test_large_packages(make_app: object, site: ThreadingHTTPServer) -> None:
    """limits.package_bytes: the whole body, and what it refers to"""
    app = make_app("limits.package_bytes=20000", "security.allowed_hosts=127.0.0.1")
    large = json.dumps(shout("large", doc="x" * 20000))
    site.pages = {"/large.cwl": (200, {}, large.encode())}
    assert "20000" in deploy(app, large, status=413).json["detail"]
    deploy(app, {"executionUnit": {"href": f"{site.url}/large.cwl"}}, OGC, status=413)
    deploy(app, STEP + f"steps: {{s: {{run: '{site.url}/large.cwl', in: {{a: a}}, out: [said]}}}}\n", status=413)
    deploy(app, shout("small", doc="x" * 10000), status=201)
    app.patch_json("/processes/small", {"description": "x" * 20000}, status=413)


def test_ten_megabytes(app: TestApp) -> None:
    deploy(app, shout("large", doc="x" * 10_000_000), status=413)
    deploy(app, b"[" + b"0," * 4_000_000, status=413)
    deploy(app, b"[" + b"0," * 2_000_000, status=400)
    deploy(app, b"a: " + b"- " * 2_000_000, status=400)


def test_a_reader_that_is_given_up_ends_no_job(make_app: object, site: ThreadingHTTPServer) -> None:
    """The child that reads packages is ended when a document is too large; the workers beside it go on."""
    app = make_app("limits.package_bytes=20000", "security.allowed_hosts=127.0.0.1")
    site.pages = {"/large.cwl": (200, {}, b"x" * 20001)}
    job_id = submit(app, "sleep", {"delay": 1})
    started = wait_until(lambda: app.get(f"/jobs/{job_id}").json.get("started"), what="the start of the job")
    deploy(app, STEP + f"steps: {{s: {{run: '{site.url}/large.cwl', in: {{a: a}}, out: [said]}}}}\n", status=413)
    ended = finished(app, job_id)
    assert (ended["status"], ended["started"]) == ("successful", started)


UNITS = {
    "missing": (None, "/executionUnit"),
    "a text": ("x", "/executionUnit"),
    "empty list": ([], "/executionUnit"),
    "list of nulls": ([None], "/executionUnit/0"),
    "empty": ({}, "/executionUnit"),
    "null value": ({"value": None}, "/executionUnit"),
    "number": ({"value": 5}, "/executionUnit/value"),
    "list": ([{"unit": []}], "/executionUnit/0/unit"),
    "type": ({"href": "http://h/x", "type": "text/html"}, "/executionUnit/type"),
    "type of a kind": ({"href": "http://h/x", "type": 5}, "/executionUnit/type"),
    "href": ({"href": 5}, "/executionUnit/href"),
    "empty href": ({"href": ""}, "/executionUnit/href"),
    "media type": ({"value": {}, "mediaType": "text/xml"}, "/executionUnit/mediaType"),
    "bad url": ({"href": "http://[::1/x"}, "/executionUnit/href"),
    "type alone": ({"type": "wps"}, "/executionUnit"),
    "many": ([{"unit": {}}] * 51, "/executionUnit"),
    "nested list": ([[]], "/executionUnit/0"),
}


@pytest.mark.parametrize("name", UNITS)
def test_execution_units_that_are_none(app: TestApp, name: str) -> None:
    unit, pointer = UNITS[name]
    answer = deploy(app, {"executionUnit": unit}, OGC, status=400).json
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


DESCRIPTIONS = {
    "unknown input": ({"inputs": {"nope": {"schema": {"type": "string"}}}}, "/inputs/nope"),
    "type": ({"inputs": {"text": {"schema": {"type": "integer"}}}}, "/inputs/text/schema"),
    "unknown output": ({"outputs": {"nope": {"schema": {}}}}, "/outputs/nope"),
    "output type": ({"outputs": {"said": {"schema": {"type": "array"}}}}, "/outputs/said/schema"),
    "optional": ({"inputs": {"text": {"minOccurs": 0}}}, "/inputs/text/minOccurs"),
    "several": ({"inputs": {"text": {"maxOccurs": 2}}}, "/inputs/text/maxOccurs"),
    "unbounded": ({"inputs": {"text": {"maxOccurs": "unbounded"}}}, "/inputs/text/maxOccurs"),
    "occurs": ({"inputs": {"text": {"minOccurs": "x"}}}, "/inputs/text/minOccurs"),
    "huge": ({"inputs": {"count": {"minOccurs": 10**30}}}, "/inputs/count/minOccurs"),
    "inputs": ({"inputs": "x"}, "/inputs"),
    "list": ({"inputs": [None]}, "/inputs"),
    "port": ({"inputs": {"text": 5}}, "/inputs/text"),
    "schema": ({"inputs": {"text": {"schema": "string"}}}, "/inputs/text/schema"),
    "bad schema": ({"inputs": {"text": {"schema": {"type": "strin"}}}}, "/inputs/text/schema"),
    "pattern": ({"inputs": {"text": {"schema": {"pattern": "("}}}}, "/inputs/text/schema"),
    "around": ({"inputs": {"text": {"schema": {"$ref": "#"}}}}, "/inputs/text/schema"),
    "anchor": ({"inputs": {"text": {"schema": {"$id": "http://h/"}}}}, "/inputs/text/schema"),
    "properties": ({"inputs": {"text": {"schema": {"type": "string", "properties": []}}}}, "/inputs/text/schema"),
    "patterns": ({"outputs": {"said": {"schema": {"type": "string", "patternProperties": 5}}}}, "/outputs/said/schema"),
    "any part": ({"outputs": {"said": {"schema": {"type": "string", "allOf": [True]}}}}, "/outputs/said/schema"),
    "title": ({"title": []}, "/title"),
    "keywords": ({"keywords": [1]}, "/keywords"),
    "metadata": ({"metadata": {}}, "/metadata"),
    "version": ({"version": 1.0}, "/version"),
    "control": ({"jobControlOptions": ["now"]}, "/jobControlOptions"),
    "no control": ({"jobControlOptions": []}, "/jobControlOptions"),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_descriptions_that_do_not_fit(app: TestApp, name: str) -> None:
    members, pointer = DESCRIPTIONS[name]
    package = application_package("bad")
    package["processDescription"]["process"] = {"id": "bad"} | members
    answer = deploy(app, package, OGC, status=400).json
    assert f"/processDescription/process{pointer}" in [error["pointer"] for error in answer["errors"]]


@pytest.mark.parametrize(
    "holder",
    [
        "x",
        5,
        [],
        {"process": "http://h/process"},
        {"process": []},
        {"href": "http://h/"},
        {"id": 5},
        {"process": {"id": []}},
        {"id": "a b"},
    ],
)
def test_descriptions_that_are_none(app: TestApp, holder: object) -> None:
    deploy(app, application_package("bad") | {"processDescription": holder}, OGC, status=400)


@pytest.mark.parametrize(
    "member",
    [
        "cwlVersion",
        "class",
        "id",
        "requirements",
        "inputs",
        "outputs",
        "expression",
        "hints",
        "label",
        "doc",
        "$graph",
        "$namespaces",
        "$schemas",
    ],
)
@pytest.mark.parametrize("value", [5, "x", [], {}, [None], {"a": None}, True, [[]]], ids=str)
def test_wrong_types_in_every_member(app: TestApp, member: str, value: object) -> None:
    """Some are right by chance; none is the server's fault."""
    answer = deploy(app, shout("bad") | {member: value}, query="?dryRun=true", status="*")
    assert answer.status_int in (200, 400), answer.text
    nulls = deploy(
        app, json.dumps(shout("bad") | {member: value}).replace('"string"', "null"), query="?dryRun=true", status="*"
    )
    assert nulls.status_int in (200, 400), nulls.text


def test_a_schema_with_several_types_says_what_it_wants(app: TestApp) -> None:
    """The package takes anything; the description does not."""
    package = application_package(
        fresh(),
        inputs={"text": {"schema": {"oneOf": [{"type": ["integer", "null"]}, {"type": "boolean"}]}}},
        outputs={},
    )
    package["executionUnit"]["value"]["inputs"]["text"] = {"type": "Any"}
    process_id = deploy(app, package, OGC, status=201).json["id"]
    package["processDescription"]["process"]["inputs"]["text"]["schema"]["oneOf"] = [True]
    assert "lists of schemas" in deploy(app, package, OGC, "?dryRun=true", status=400).json["detail"]
    answer = app.post_json(f"/processes/{process_id}/execution", {"inputs": {"text": "x"}}, status=400)
    assert "integer or null, boolean" in answer.json["detail"]
    app.delete(f"/processes/{process_id}", status=204)


def test_a_machine_without_descriptors_reads_no_package_and_says_so(tmp_path: Path) -> None:
    """In a process of its own, which lets itself have no more of them."""
    code = (
        "import resource, sys; from pathlib import Path; from weaver_like.domain.errors import ServerBusy; "
        "from weaver_like.deployment.inspector import Inspector; from weaver_like.warm import NURSERY; "
        "inspector = Inspector(NURSERY, 'weaver_like.runners.cwl.document.inspect', Path(sys.argv[1])); "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))\n"
        "try: inspector.parse({'a': b''})\nexcept ServerBusy as error: print(error.detail)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Packages cannot be read now: Too many open files" in ran.stdout, ran
