"""Links as inputs: headers, credentials, redirects, names; and links that packages themselves hold."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.packages import deploy, fresh

SECRET = "s3cr3t-4f7e"


class _Handler(BaseHTTPRequestHandler):
    """Answers with the headers that came; `/to/...` redirects to what stands behind."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        body = self.server.files.get(self.path, b"") or json.dumps(dict(self.headers)).encode()
        if self.path.startswith("/none/"):
            self.send_error(404)
            return
        if self.path.startswith("/hangup/a"):
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def origins() -> Iterator[list[ThreadingHTTPServer]]:
    """Two web servers, which remember what they were asked."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Handler) for _ in range(2)]
    for server in servers:
        server.asked, server.files = [], {}
        server.at = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def cat(**inputs: object) -> dict:
    """A package that says the text of its file `file`, and its name."""
    return {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "id": fresh("links"),
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": inputs or {"file": {"type": "File", "loadContents": True}},
        "outputs": {"text": "string?", "name": "string", "size": "Any", "beside": "Any"},
        "expression": "${var f = inputs.file; if (Array.isArray(f)) f = f[0]; if (f.listing) f = f.listing[0];"
        "return {text: f.contents, name: f.basename, size: f.size, beside: (f.secondaryFiles || []).map("
        "function(s) {return s.basename;})};}",
    }


@pytest.fixture(scope="module")
def reader(app: TestApp) -> str:
    return deploy(app, cat(), status=201).json["id"]


def run(app: TestApp, process: str, given: object) -> tuple[str, dict]:
    """A job that was successful: its id and results."""
    job_id = submit(app, process, {} if given is None else {"file": given}, response="document")
    status = finished(app, job_id)
    log = [entry["message"] for entry in app.get(f"/jobs/{job_id}/logs").json["logs"]]
    assert status["status"] == "successful", "\n".join(log)
    return job_id, app.get(f"/jobs/{job_id}/results").json


def everything_shown(app: TestApp, job_id: str) -> str:
    """All that anybody can read of a job, without its results."""
    parts = ["", "/inputs", "/logs", "/steps", "/statistics", "/outputs"]
    return "".join(app.get(f"/jobs/{job_id}{part}", expect_errors=True).text for part in parts)


def test_headers_of_a_link_are_sent_and_never_shown(app: TestApp, reader: str, origins: list) -> None:
    link = {"href": f"http://{origins[0].at}/a", "headers": {"X-Key": SECRET, "Authorization": f"Bearer {SECRET}"}}
    job_id, results = run(app, reader, link)
    sent = json.loads(results["text"])
    assert (sent["X-Key"], sent["Authorization"]) == (SECRET, f"Bearer {SECRET}")
    assert SECRET not in everything_shown(app, job_id)
    assert "headers" not in app.get(f"/jobs/{job_id}/inputs").json["inputs"]["file"]


def test_credentials_of_an_address_are_sent_as_basic_and_masked(app: TestApp, reader: str, origins: list) -> None:
    job_id, results = run(app, reader, {"href": f"http://user:{SECRET}%40@{origins[0].at}/a"})
    pair = base64.b64encode(f"user:{SECRET}@".encode()).decode()
    assert json.loads(results["text"])["Authorization"] == f"Basic {pair}"
    assert SECRET not in everything_shown(app, job_id)


@pytest.mark.parametrize("href", ["http://user:pw@{first}/to/http://{second}/a", "http://{first}/to/http://{second}/a"])
def test_neither_is_sent_to_another_origin(app: TestApp, reader: str, origins: list, href: str) -> None:
    first, second = origins
    link = {"href": href.format(first=first.at, second=second.at), "headers": {"X-Key": SECRET}}
    run(app, reader, link)
    assert first.asked[0][1]["X-Key"] == SECRET
    assert not {"X-Key", "Authorization"} & second.asked[0][1].keys()


def test_they_are_sent_again_where_the_same_origin_redirects_to(app: TestApp, reader: str, origins: list) -> None:
    run(app, reader, {"href": f"http://{origins[0].at}/to/http://{origins[0].at}/a", "headers": {"X-Key": SECRET}})
    assert [headers.get("X-Key") for _, headers in origins[0].asked] == [SECRET, SECRET]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/s%20p.txt", "s p.txt"),
        ("/a%2Bb(1)%26c.txt", "a+b(1)&c.txt"),
        ("/Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"),
        ("/a/..%2F..%2Fb.txt", "b.txt"),
        ("/x%0Ay.txt?z=1", "x_y.txt"),
        ("/.hidden", ".hidden"),
        ("/-rf", "-rf"),
        ("/", "file"),
    ],
)
def test_a_file_has_the_name_of_its_address(app: TestApp, reader: str, origins: list, path: str, name: str) -> None:
    assert run(app, reader, {"href": f"http://{origins[0].at}{path}"})[1]["name"] == name


@pytest.mark.parametrize(
    ("pattern", "path", "asked"),
    [
        (".idx", "/s%20p.txt", "/s%20p.txt.idx"),
        ("^.idx", "/s%20p.txt", "/s%20p.idx"),
        (".idx", "/a%2Bb.txt?key=1", "/a%2Bb.txt.idx"),
        ("^^.idx", "/a.tar.gz", "/a.idx"),
    ],
)
def test_a_companion_is_asked_for_beside_its_file(
    app: TestApp, origins: list, pattern: str, path: str, asked: str
) -> None:
    tool = cat(file={"type": "File", "secondaryFiles": [pattern]})
    process = deploy(app, tool, status=201).json["id"]
    run(app, process, {"href": f"http://{origins[0].at}{path}", "headers": {"X-Key": SECRET}})
    assert [path for path, _ in origins[0].asked] == [path, asked]
    assert origins[0].asked[1][1]["X-Key"] == SECRET


def located(origin: str, **more: object) -> dict:
    return {"class": "File", "location": f"http://{origin}/d/e%20f.txt"} | more


FILE = {"type": "File", "loadContents": True}
#: Where a package may name a file by its address -> the input that it has then.
DEFAULTS = {
    "File": lambda at: FILE | {"default": located(at)},
    "optional File": lambda at: {"type": "File?", "loadContents": True, "default": located(at)},
    "array": lambda at: {"type": "File[]", "loadContents": True, "default": [located(at)]},
    "listing": lambda at: {
        "type": "Directory",
        "default": {"class": "Directory", "basename": "d", "listing": [located(at)]},
    },
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_file_that_a_package_names_is_fetched_for_the_job(app: TestApp, origins: list, kind: str) -> None:
    origins[0].files["/d/e%20f.txt"] = b"whole"
    process = deploy(app, cat(file=DEFAULTS[kind](origins[0].at)), status=201).json["id"]
    results = run(app, process, None)[1]
    assert results["name"] == "e f.txt"
    if kind != "listing":
        assert results["text"] == "whole"
        assert results["size"] == 5
    assert [path for path, _ in origins[0].asked] == ["/d/e%20f.txt"]


def test_a_default_that_is_not_used_is_not_fetched(app: TestApp, origins: list) -> None:
    process = deploy(app, cat(file=DEFAULTS["File"](origins[0].at)), status=201).json["id"]
    run(app, process, {"value": "mine", "mediaType": "text/plain"})
    assert origins[0].asked == []


COUNT = """
cwlVersion: v1.2
class: Workflow
id: {id}
inputs: []
outputs: {{said: {{type: string, outputSource: count/said}}}}
steps:
  count:
    in:
      text: {{default: {{class: File, location: "http://{at}/d/e.txt"}}}}
    out: [said]
    run:
      class: CommandLineTool
      baseCommand: [sh, script.sh]
      requirements:
        InitialWorkDirRequirement:
          listing:
            - {{class: File, location: "http://{at}/d/script.sh"}}
      inputs: {{text: {{type: File, inputBinding: {{position: 1}}}}}}
      outputs:
        said: {{type: string, outputBinding: {{glob: out, loadContents: true, outputEval: "$(self[0].contents)"}}}}
      stdout: out
"""


def test_defaults_of_steps_and_of_the_initial_work_folder_are_fetched(app: TestApp, origins: list) -> None:
    origins[0].files |= {"/d/e.txt": b"12345", "/d/script.sh": b'wc -c < "$1"'}
    process = deploy(app, COUNT.format(id=fresh("links"), at=origins[0].at), status=201).json["id"]
    assert run(app, process, None)[1]["said"].strip() == "5"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://10.0.0.1/a", "10.0.0.1"),
        ("http://127.0.0.1:1/none", "'http://127.0.0.1:1/none' could not be read: Connection refused."),
        ("https://127.0.0.1:{plain}/a", "/a' could not be read: "),
        ("http://127.0.0.1:{plain}/hangup/a", "/hangup/a' could not be read: Connection aborted."),
    ],
)
def test_what_cannot_be_fetched_fails_the_job_with_the_reason(
    app: TestApp, origins: list, location: str, reason: str
) -> None:
    location = location.format(plain=origins[0].server_port)
    tool = cat(file=FILE | {"default": {"class": "File", "location": location}})
    process = deploy(app, tool, status=201).json["id"]
    status = finished(app, submit(app, process, {}))
    assert status["status"] == "failed"
    assert reason in status["message"]
    assert not re.search(r"host=|Errno|Remote|Error\(|Secure", status["message"]), "no names of classes"


def test_a_result_of_this_server_is_an_input_of_the_next_process(app: TestApp, reader: str) -> None:
    """By the link of its file and by the link of its output; nothing is asked of this server over the network."""
    image = {"value": base64.b64encode(b"II*").decode(), "mediaType": "image/tiff; application=geotiff"}
    first = submit(
        app, "echo", {"message": "a", "image": image, "number": 5}, outputs={"image": {}, "number": {}, "message": {}}
    )
    finished(app, first)
    asked = {"image": {"transmissionMode": "reference"}}
    again = submit(app, "echo", {"message": "a", "image": image}, outputs=asked, response="document")
    finished(app, again)
    of_file = app.get(f"/jobs/{again}/results").json["image"]["href"]
    of_output = f"http://localhost/jobs/{first}/results/image"
    of_value = f"http://localhost/jobs/{first}/results/number"
    for href, text, name in [(of_file, "II*", "image.tif"), (of_output, "II*", "image.tif"), (of_value, "5", None)]:
        results = run(app, reader, {"href": href})[1]
        assert results["text"] == text
        assert name in (None, results["name"])


@pytest.mark.parametrize(
    "path",
    [
        "/outputs/no-job/out/file.txt",
        "/jobs/no-job/results/out",
        "/outputs/../../etc/passwd",
        "/outputs/a/b/%2e%2e",
        "/jobs/a%2Fb/results/%2e%2e",
    ],
)
def test_a_result_that_is_not_there_is_refused(app: TestApp, reader: str, path: str) -> None:
    link = {"href": f"http://localhost{path}"}
    answer = app.post_json(f"/processes/{reader}/execution", {"inputs": {"file": link}}, status=400)
    assert answer.json["errors"][0]["pointer"].startswith("/inputs/file")
