"""What packages say about themselves and about the formats of their files."""

from collections.abc import Iterator

import pytest
from webtest import TestApp

from tests.support.packages import deploy, fresh, shout, sweep

TERMS = {
    "softwareVersion": "2.3.4",
    "keywords": ["ndvi", "optical"],
    "author": {"class": "s:Person", "s:name": "Ada", "s:email": "ada@example.org"},
    "license": "https://spdx.org/licenses/MIT",
    "codeRepository": "https://example.org/code",
}
EDAM = "http://edamontology.org/"


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    yield
    sweep(app)


def spelt(prefix: str, **terms: object) -> dict:
    return {f"{prefix}{name}": value for name, value in (TERMS | terms).items()}


def graph(process_id: str, of_entry: dict, of_document: dict) -> dict:
    step = {"say": {"run": "#tool", "in": {"text": "text"}, "out": ["said"]}}
    flow = {"class": "Workflow", "id": process_id, "inputs": {"text": "string"}, "steps": step}
    flow |= {"outputs": {"said": {"type": "string", "outputSource": "say/said"}}}
    tool = {key: value for key, value in shout("tool").items() if key != "cwlVersion"}
    return {"cwlVersion": "v1.2", "$graph": [tool, flow | of_entry], **of_document}


def namespaces(uri: str) -> dict:
    return {"$namespaces": {"s": uri}}


SPELLINGS = {
    "https with a slash": lambda name: shout(name, **namespaces("https://schema.org/"), **spelt("s:")),
    "http": lambda name: shout(name, **namespaces("http://schema.org/"), **spelt("s:")),
    "without a slash": lambda name: shout(name, **namespaces("https://schema.org"), **spelt("s:")),
    "in full": lambda name: shout(name, **spelt("https://schema.org/", author=[{"https://schema.org/name": "Ada"}])),
    "another prefix": lambda name: shout(
        name, **{"$namespaces": {"sdo": "https://schema.org/", "s": "https://schema.org/"}}, **spelt("sdo:")
    ),
    "keywords in one text": lambda name: shout(
        name, **namespaces("https://schema.org/"), **spelt("s:", keywords="ndvi, optical")
    ),
    "version": lambda name: shout(
        name,
        **namespaces("https://schema.org/"),
        **{("s:version" if key == "s:softwareVersion" else key): value for key, value in spelt("s:").items()},
    ),
    "workflow in a graph": lambda name: graph(name, spelt("s:"), namespaces("https://schema.org/")),
    "document with a graph": lambda name: graph(name, {}, namespaces("https://schema.org/") | spelt("s:")),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_terms_of_schema_org_are_version_keywords_and_metadata(app: TestApp, name: str) -> None:
    process_id = fresh()
    answer = deploy(app, SPELLINGS[name](process_id), status=201).json
    assert "warnings" not in answer
    found = app.get(f"/processes/{process_id}").json
    assert (found["version"], found["keywords"]) == ("2.3.4", ["ndvi", "optical"])
    entries = {entry["role"].rpartition("/")[2]: entry for entry in found["metadata"]}
    assert entries["author"]["value"]["name"] == "Ada"
    assert entries["license"]["href"] == TERMS["license"]
    assert entries["codeRepository"]["href"] == TERMS["codeRepository"]


def test_a_version_that_looks_like_a_number_keeps_its_digits(app: TestApp) -> None:
    process_id = fresh()
    text = (
        f"cwlVersion: v1.2\nclass: CommandLineTool\nid: {process_id}\nbaseCommand: 'true'\ninputs: []\noutputs: []\n"
        "$namespaces: {s: 'https://schema.org/'}\ns:softwareVersion: 1.10\n"
    )
    assert deploy(app, text, status=201).json["version"] == "1.10"


FORMATS = {
    "plain text of EDAM": (f"{EDAM}format_1964", "text/plain"),
    "text of EDAM": (f"{EDAM}format_3671", "text/plain"),
    "a table of EDAM": ("https://edamontology.org/format_3475", "text/tab-separated-values"),
    "XML of EDAM": (f"{EDAM}format_3240", "application/cellml+xml"),
    "an image of EDAM": (f"{EDAM}format_3467", "image/gif"),
    "a media type alone": ("text/csv", "text/csv"),
    "IANA": ("http://www.iana.org/assignments/media-types/text/csv", "text/csv"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_the_media_type_that_it_names(app: TestApp, name: str) -> None:
    uri, media_type = FORMATS[name]
    tool = shout(
        fresh(), inputs={"text": {"type": "File", "format": uri}}, outputs={"o": {"type": "File", "format": uri}}
    )
    answer = deploy(app, tool, query="?dryRun=true", status=200).json
    assert "warnings" not in answer
    assert answer["inputs"]["text"]["schema"]["oneOf"][0]["contentMediaType"] == media_type
    assert answer["outputs"]["o"]["schema"]["contentMediaType"] == media_type


@pytest.mark.parametrize("uri", [f"{EDAM}format_99999", "http://example.org/formats/own"])
def test_a_format_that_nobody_knows_is_kept_with_a_warning(app: TestApp, uri: str) -> None:
    tool = shout(fresh(), inputs={"text": {"type": "File[]", "format": uri}}, outputs={})
    answer = deploy(app, tool, query="?dryRun=true", status=200).json
    described = answer["inputs"]["text"]["schema"]["oneOf"][0]
    assert (described["contentMediaType"], described["contentSchema"]) == ("application/octet-stream", uri)
    assert len(answer["warnings"]) == 1
    assert uri in answer["warnings"][0]
