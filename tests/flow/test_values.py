"""What a client sends, and what a process gets: one table for functions and for application packages."""

import base64
import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.applications import make_service
from tests.support.client import finished, submit
from tests.support.packages import deploy
from tests.support.plugin_makers import source, write
from weaver_like.engines.base import ClosePolicy

IANA = "https://www.iana.org/assignments/media-types/"
FEATURES = '{"type":"FeatureCollection","features":[]}'


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def file(media_type: str | None = None) -> dict:
    return {"type": "File?", "loadContents": True} | ({"format": IANA + media_type} if media_type else {})


def arrays(items: object) -> list:
    return ["null", {"type": "array", "items": items}]


#: The package with the same inputs as the function `shows`, and some that only packages have.
PACKAGE = {
    "cwlVersion": "v1.2",
    "class": "ExpressionTool",
    "id": "shows-too",
    "requirements": {"InlineJavascriptRequirement": {}},
    "inputs": {
        "any": file(),
        "plain": file("text/plain"),
        "document": file("application/json"),
        "features": file("application/geo+json"),
        "files": {"type": "File[]?", "loadContents": True},
        "text": "string?",
        "whole": "int?",
        "real": "double?",
        "thing": "Any?",
        "words": "string[]?",
        "table": {"type": arrays({"type": "array", "items": "string"})},
        "record": {
            "type": [
                "null",
                {
                    "type": "record",
                    "fields": {
                        "value": "string?",
                        "href": "string?",
                        "count": "int?",
                        "file": {"type": "File?", "loadContents": True},
                    },
                },
            ]
        },
        "one_or_more": {"type": ["null", "File", {"type": "array", "items": "File"}], "loadContents": True},
    },
    "outputs": {"got": "Any"},
    "expression": """${
        function told(value) {
            if (Array.isArray(value)) return value.map(told);
            if (value === null || typeof value !== "object") return value;
            if (value.class === "File") return value.contents;
            var found = {};
            for (var name in value) found[name] = told(value[name]);
            return found;
        }
        return {got: told(inputs)};
    }""",
}

PAGES = {
    "/p.geojson": ("application/geo+json", FEATURES),
    "/list.json": ("application/json", "[1, 2]"),
    "/number.json": ("application/json", "5"),
    "/string.json": ("application/json", '"a"'),
    "/t.txt": ("text/plain", "Hello, world"),
    "/three.txt": ("text/plain", "3.0"),
}

#: Input, what is sent, what the process gets. "$W" is the address of a web server.
TABLE = [
    ("any", {"href": "$W/p.geojson"}, FEATURES),
    ("any", {"href": "$W/p.geojson", "type": "application/geo+json"}, FEATURES),
    ("any", {"href": "$W/list.json"}, "[1, 2]"),
    ("any", {"href": "$W/number.json"}, "5"),
    ("any", {"href": "$W/string.json"}, '"a"'),
    ("any", {"href": "$W/t.txt"}, "Hello, world"),
    ("any", {"value": "Hello, world", "mediaType": "text/plain"}, "Hello, world"),
    ("any", {"value": "hello you", "mediaType": "text/plain"}, "hello you"),
    ("any", {"value": "test", "mediaType": "text/csv"}, "test"),
    ("any", {"value": "<a/>", "mediaType": "application/xml"}, "<a/>"),
    ("any", {"value": "test", "encoding": "utf-8"}, "test"),
    ("any", {"value": "Grüße", "encoding": "UTF-8", "mediaType": "application/x-odd"}, "Grüße"),
    ("any", {"value": encoded("test"), "encoding": "base64"}, "test"),
    ("any", {"value": encoded("test"), "mediaType": "image/png"}, "test"),
    ("any", encoded("test"), "test"),
    ("any", {"value": [1, 2], "mediaType": "application/json"}, "[1,2]"),
    ("any", {"value": {"a": None}, "mediaType": "application/json"}, '{"a":null}'),
    ("any", {"value": 5, "mediaType": "application/json"}, "5"),
    ("any", {"value": "[1, 2]", "mediaType": "application/json"}, "[1, 2]"),
    ("plain", "Hello, world", "Hello, world"),
    ("plain", {"value": encoded("test"), "encoding": "base64"}, "test"),
    ("plain", {"href": "$W/t.txt"}, "Hello, world"),
    ("document", {"a": [1]}, '{"a":[1]}'),
    ("document", [1, "b"], '[1,"b"]'),
    ("document", {"value": [1, 2], "mediaType": "application/json"}, "[1,2]"),
    ("document", {"value": '{"a":  1}', "mediaType": "application/json"}, '{"a":  1}'),
    ("document", {"value": encoded("[1]"), "encoding": "base64"}, "[1]"),
    ("document", {"href": "$W/list.json"}, "[1, 2]"),
    ("document", {"href": "$W/number.json"}, "5"),
    ("features", json.loads(FEATURES), FEATURES),
    ("features", {"value": FEATURES, "mediaType": "application/geo+json"}, FEATURES),
    ("features", {"value": encoded(FEATURES), "mediaType": "application/geo+json", "encoding": "base64"}, FEATURES),
    ("features", {"href": "$W/p.geojson"}, FEATURES),
    ("files", [{"href": "$W/list.json"}, {"value": "a", "mediaType": "text/plain"}], ["[1, 2]", "a"]),
    ("files", {"href": "$W/t.txt"}, ["Hello, world"]),
    ("text", "Hello, world", "Hello, world"),
    ("text", {"value": "a"}, "a"),
    ("text", {"value": encoded("Grüße"), "encoding": "base64"}, "Grüße"),
    ("text", {"href": "$W/t.txt"}, "Hello, world"),
    ("whole", 3, 3),
    ("whole", 3.0, 3),
    ("whole", 1e3, 1000),
    ("whole", {"value": 3.0}, 3),
    ("whole", {"href": "$W/three.txt"}, 3),
    ("real", 3, 3),
    ("real", 0.1, 0.1),
    ("thing", {"a": {"b": [1]}}, {"a": {"b": [1]}}),
    ("thing", {"value": {"a": 1}}, {"a": 1}),
    ("thing", {"value": encoded('{"a": 1}'), "encoding": "base64"}, {"a": 1}),
    ("words", ["a", "b"], ["a", "b"]),
    ("words", "a", ["a"]),
    ("words", {"value": ["a", "b"]}, ["a", "b"]),
    ("words", [{"value": "a"}, "b"], ["a", "b"]),
    ("table", [["a"], ["b", "c"]], [["a"], ["b", "c"]]),
    ("table", {"value": [["a"], ["b", "c"]]}, [["a"], ["b", "c"]]),
]
#: The same for what only packages have.
OF_PACKAGES = [
    ("record", {"value": "x"}, {"value": "x"}),
    ("record", {"href": "x"}, {"href": "x"}),
    ("record", {"value": {"value": "x"}}, {"value": "x"}),
    ("record", {"value": {"count": 3.0}}, {"count": 3}),
    ("record", {"count": 3.0, "file": {"href": "$W/t.txt"}}, {"count": 3, "file": "Hello, world"}),
    ("record", {"file": {"href": "$W/t.txt", "type": "text/plain"}}, {"file": "Hello, world"}),
    ("record", {"file": {"class": "File", "location": "$W/t.txt"}}, {"file": "Hello, world"}),
    ("one_or_more", {"href": "$W/t.txt"}, "Hello, world"),
    ("one_or_more", [{"href": "$W/t.txt"}, {"href": "$W/list.json"}], ["Hello, world", "[1, 2]"]),
]
#: Input, what is sent, where the fault stands, and a word of it.
REFUSED = [
    ("any", {"value": "Hello, world", "encoding": "base64"}, "/value", "base64"),
    ("any", {"value": "Hello, world"}, "/value", "utf-8"),
    ("any", "hello you", "", "text/plain"),
    ("any", {"value": "a", "encoding": "hex"}, "/value", "encoding base64 or utf-8"),
    ("any", 5, "", "5 is not"),
    ("any", {"href": "$W/t.txt", "value": "a"}, "/value", "either href or value"),
    ("any", {"href": "$W/t.txt", "headers": {"Host": "a"}}, "/headers/Host", "the server's own"),
    ("any", {"href": "$W/t.txt", "headers": {"Connection": "close"}}, "/headers/Connection", "the server's own"),
    ("any", {"href": "$W/t.txt", "headers": {"X-A": "a\r\nHost: b"}}, "/headers/X-A", "one line"),
    ("any", {"href": "$W/t.txt", "headers": {"X A": "a"}}, "/headers/X A", "name"),
    ("any", {"href": "$W/t.txt", "headers": ["a"]}, "/headers", "object"),
    ("any", {"href": "file:///a", "headers": {"X-A": "a"}}, "/headers", "http"),
    ("features", {"value": encoded("[1]"), "encoding": "base64"}, "/value", "object"),
    ("features", {"value": "[1]", "mediaType": "application/geo+json"}, "/value", "object"),
    ("document", {"value": "e30=!", "encoding": "base64"}, "/value", "base64"),
    ("text", {"value": "/w==", "encoding": "base64"}, "/value", "utf-8"),
    ("whole", 3.5, "", "integer"),
    ("words", {"value": ["a", 1]}, "/value", "string"),
]
PROCESSES = ("shows", "shows-too")


@pytest.fixture(scope="module")
def shows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """An application that offers both."""
    folder = tmp_path_factory.mktemp("shows")
    write(folder, {"shows.py": source("shows")})
    service = make_service(folder / "data", f"plugins.folders={folder}", "security.allowed_hosts=127.0.0.1")
    app = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    deploy(app, PACKAGE, status=201)
    yield app
    service.stop(ClosePolicy.KILL)


@pytest.fixture
def web(site: ThreadingHTTPServer) -> ThreadingHTTPServer:
    site.pages = {path: (200, {"Content-Type": kind}, text.encode()) for path, (kind, text) in PAGES.items()}
    return site


def at(url: str, sent: object) -> object:
    return json.loads(json.dumps(sent).replace("$W", url))


def both_ways(app: TestApp, process: str, inputs: dict) -> list[dict]:
    """What a process got, executed synchronously and asynchronously."""
    asked = {"inputs": inputs, "response": "document"}
    waited = app.post_json(f"/processes/{process}/execution", asked, status=200).json
    job_id = submit(app, process, inputs, response="document")
    assert finished(app, job_id)["status"] == "successful"
    later = app.get(f"/jobs/{job_id}/results").json
    return [answer["got"]["value"] if "value" in answer["got"] else answer["got"] for answer in (waited, later)]


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize(("name", "sent", "got"), TABLE, ids=[f"{name}-{sent}" for name, sent, _ in TABLE])
def test_what_is_sent_is_what_a_process_gets(
    shows: TestApp, web: ThreadingHTTPServer, process: str, name: str, sent: object, got: object
) -> None:
    for found in both_ways(shows, process, {name: at(web.url, sent)}):
        assert found[name] == got
        assert type(found[name]) is type(got)


@pytest.mark.parametrize(("name", "sent", "got"), OF_PACKAGES, ids=[f"{name}-{sent}" for name, sent, _ in OF_PACKAGES])
def test_what_is_sent_is_what_a_package_gets(
    shows: TestApp, web: ThreadingHTTPServer, name: str, sent: object, got: object
) -> None:
    for found in both_ways(shows, "shows-too", {name: at(web.url, sent)}):
        shown = found[name]
        if isinstance(shown, dict):
            shown = {key: value for key, value in shown.items() if value is not None}
        assert shown == got


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize(
    ("name", "sent", "pointer", "word"), REFUSED, ids=[f"{name}-{sent}" for name, sent, *_ in REFUSED]
)
def test_what_cannot_be_meant_is_refused(
    shows: TestApp, web: ThreadingHTTPServer, process: str, name: str, sent: object, pointer: str, word: str
) -> None:
    kept = len(shows.get("/jobs?limit=10000").json["jobs"])
    answer = shows.post_json(f"/processes/{process}/execution", {"inputs": {name: at(web.url, sent)}}, status=400)
    (fault,) = answer.json["errors"]
    assert fault["pointer"] == f"/inputs/{name}{pointer}"
    assert word in fault["detail"]
    assert len(shows.get("/jobs?limit=10000").json["jobs"]) == kept
