"""Reading answers as the standard describes them: links, problems, multipart bodies, the API definition."""

from collections.abc import Callable
from email import message_from_bytes
from email.message import Message

from jsonschema import Draft202012Validator
from webtest import TestApp, TestResponse

EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CONF = "http://www.opengis.net/spec/ogcapi-processes-1/"
RESULTS_PROFILE = "https://www.opengis.net/def/profile/OGC/0/ogc-results"
DESCRIPTION_PROFILE = "https://www.opengis.net/def/profile/OGC/0/ogc-process-description"
EDITIONS = ("part1-1.0", "part1-2.0-draft")

Schema = Callable[[str], Draft202012Validator]


def assert_exception(answer: TestResponse, schema: Schema, status: int, name: str | None = None) -> None:
    """An answer with exception.yaml of both editions as its body; name: last
    part of the type that the standard prescribes."""
    assert answer.status_int == status
    assert answer.content_type in ("application/problem+json", "application/json")
    for edition in EDITIONS:
        schema(f"{edition}/exception").validate(answer.json)
    assert answer.json["status"] == status
    if name is not None:
        assert answer.json["type"] == EXCEPTIONS + name


def links_of(document: dict, rel: str) -> list[dict]:
    return [link for link in document["links"] if link.get("rel") == rel]


def hrefs_of(document: dict, rel: str) -> list[str]:
    return [link["href"] for link in links_of(document, rel)]


def header_links(answer: TestResponse) -> dict[str, list[str]]:
    """Targets of the `Link` headers by relation (RFC 8288)."""
    found: dict[str, list[str]] = {}
    for value in answer.headers.getall("Link"):
        target, *parameters = value.split(";")
        assert target.startswith("<"), value
        assert target.endswith(">"), value
        rel = next(part.partition("=")[2].strip('"') for part in parameters if part.strip().startswith("rel="))
        found.setdefault(rel, []).append(target[1:-1])
    return found


def parse_multipart(answer: TestResponse) -> dict[str, Message]:
    """Parts of a multipart/related answer by Content-ID. Source: RFC 2387."""
    message = message_from_bytes(
        b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.body
    )
    assert message.get_content_type() == "multipart/related"
    assert not message.defects
    parts = {part["Content-ID"]: part for part in message.get_payload()}
    assert len(parts) == len(message.get_payload()), "every part has a Content-ID of its own"
    first = message.get_payload()[0]
    assert message.get_param("type") == first.get_content_type(), "RFC 2387 section 3.1: `type` is that of the root"
    assert message.get_param("start") in (None, first["Content-ID"])
    return parts


def api_of(app: TestApp) -> dict:
    return app.get("/api?f=json").json


def query_parameter(app: TestApp, path: str, name: str, method: str = "get") -> dict:
    """A parameter as the API definition has it."""
    found = [
        entry
        for entry in api_of(app)["paths"][path][method]["parameters"]
        if entry["name"] == name and entry["in"] == "query"
    ]
    assert len(found) == 1, f"{method} {path} has {len(found)} parameters '{name}'"
    assert found[0].get("required", False) is False
    return found[0]


def assert_list_parameter(parameter: dict, kind: str = "string", explode: bool = False) -> None:
    """`type: array`, of style form: separated by commas, or (explode) a parameter for each value."""
    assert parameter["schema"]["type"] == "array"
    assert parameter["schema"]["items"]["type"] == kind
    assert parameter.get("style", "form") == "form"
    assert parameter["explode"] is explode


def assert_limit_parameter(parameter: dict, default: int = 10) -> None:
    assert parameter["schema"]["type"] == "integer"
    assert {key: parameter["schema"][key] for key in ("minimum", "maximum", "default")} == {
        "minimum": 1,
        "maximum": 10000,
        "default": default,
    }
    assert parameter.get("style", "form") == "form"


PART2 = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"


def assert_refused(answer: TestResponse, schema: Schema, status: int, name: str | None = None) -> None:
    """exception.yaml, with the type that Part 2 prescribes."""
    assert answer.status_int == status
    schema("part1-1.0/exception").validate(answer.json)
    if name is not None:
        assert answer.json["type"] == PART2 + name
