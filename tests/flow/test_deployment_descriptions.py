"""What an OGC process description beside a package says: each member is honoured, or refused by name."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from webtest import TestApp

from tests.support.packages import application_package, deploy, fresh, patch, shout, sweep

OGC = "application/ogcapppkg+json"
TIFF = {"type": "string", "contentEncoding": "binary", "contentMediaType": "image/tiff"}


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    yield
    sweep(app)


def packed(tool: dict, beside: dict | None = None, **described: object) -> dict:
    """An application package whose description has these members only."""
    description = {"process": {"id": tool["id"]} | described, **(beside or {})}
    return {"processDescription": description, "executionUnit": {"value": tool, "mediaType": "application/cwl+json"}}


def deployed(app: TestApp, package: dict) -> dict:
    """The description of what was deployed, with the warnings of its deployment."""
    answer = deploy(app, package, OGC, status=201).json
    return app.get(f"/processes/{answer['id']}").json | {"warnings": answer.get("warnings", [])}


def said(app: TestApp, process_id: str, inputs: dict) -> object:
    request = {"inputs": inputs, "response": "document"}
    return app.post_json(f"/processes/{process_id}/execution", request, status=200).json["said"]


BESIDE = {
    "version of the process": ({"processVersion": "3.1"}, "version", "3.1"),
    "job control": ({"jobControlOptions": ["async-execute"]}, "jobControlOptions", ["async-execute"]),
    "transmission": ({"outputTransmission": ["reference"]}, "outputTransmission", ["reference"]),
    "parameters": (
        {"additionalParameters": {"role": "r", "parameters": [{"name": "n", "value": ["v"]}]}},
        "additionalParameters",
        {"role": "r", "parameters": [{"name": "n", "value": ["v"]}]},
    ),
    "parameters in a list": (
        {"additionalParameters": [{"role": "r", "parameters": [{"name": "n", "values": "v"}]}]},
        "additionalParameters",
        {"role": "r", "parameters": [{"name": "n", "value": ["v"]}]},
    ),
}


@pytest.mark.parametrize("level", ["in the process", "beside it"])
@pytest.mark.parametrize("name", BESIDE)
def test_members_of_a_description_stand_in_the_process_or_beside_it(app: TestApp, name: str, level: str) -> None:
    given, member, shown = BESIDE[name]
    tool = shout(fresh())
    package = packed(tool, {}, **given) if level == "in the process" else packed(tool, given)
    found = deployed(app, package)
    assert (found[member], found["warnings"]) == (shown, [])


def test_what_stands_twice_must_say_the_same(app: TestApp) -> None:
    package = packed(shout("twice"), {"jobControlOptions": ["sync-execute"]}, jobControlOptions=["async-execute"])
    answer = deploy(app, package, OGC, status=400).json
    assert answer["errors"][0]["pointer"] == "/processDescription/jobControlOptions"
    package = packed(shout("twice"), {"processVersion": "2"}, version="1")
    assert deploy(app, package, OGC, status=400).json["errors"][0]["pointer"] == "/processDescription/processVersion"


def test_outputs_are_transmitted_as_the_description_says(app: TestApp) -> None:
    by_reference = deployed(app, packed(shout(fresh()), outputTransmission=["reference"]))["id"]
    path = f"/processes/{by_reference}/execution"
    answer = app.post_json(path, {"inputs": {"text": "a"}, "response": "document"}, status=200).json
    assert answer["said"]["href"]
    wanted = {"inputs": {"text": "a"}, "outputs": {"said": {"transmissionMode": "value"}}}
    refused = app.post_json(path, wanted, status=400).json
    assert refused["errors"][0]["pointer"] == "/outputs/said/transmissionMode"


def test_links_of_the_author_are_shown_and_those_of_another_server_are_not(app: TestApp) -> None:
    license_ = {"href": "https://example.org/license", "rel": "license", "type": "text/html"}
    links = [license_, {"href": "http://other.example/processes/x", "rel": "self"}]
    found = deployed(app, packed(shout(fresh()), links=links))
    assert license_ in found["links"]
    assert not [link for link in found["links"] if "other.example" in link["href"]]
    assert len(found["warnings"]) == 1
    assert "/links/1" in found["warnings"][0]


def test_a_description_of_this_server_can_be_deployed_again(app: TestApp) -> None:
    tool = shout(
        fresh(), inputs={"text": "string", "all": {"type": "string[]", "default": ["a", "b"]}, "more": "int[]"}
    )
    first = deployed(app, packed(tool))
    again = {name: value for name, value in first.items() if name not in ("id", "warnings")}
    second = deployed(app, packed(tool | {"id": fresh()}, **again))
    for member in ("inputs", "outputs", "version", "jobControlOptions", "outputTransmission"):
        assert second[member] == first[member]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"owner": "me"}, "/processDescription/process/owner"),
        ({"inputs": {"text": {"unheard": 1}}}, "/processDescription/process/inputs/text/unheard"),
        ({"outputs": {"said": {"minOccurs": 1}}}, "/processDescription/process/outputs/said/minOccurs"),
    ],
)
def test_what_nobody_understands_is_told_in_a_warning(app: TestApp, members: dict, told: str) -> None:
    answer = deploy(app, packed(shout("told"), **members), OGC, "?dryRun=true", status=200).json
    assert [warning.partition(":")[0] for warning in answer["warnings"]] == [told]


def test_members_of_an_execution_unit_are_honoured_or_named(app: TestApp) -> None:
    tool = shout("unit")
    unit = {"value": tool, "mediaType": "application/cwl+json"}
    warned = deploy(app, {"executionUnit": unit | {"colour": 1}}, OGC, "?dryRun=true", status=200).json["warnings"]
    assert warned[0].startswith("/executionUnit/colour")
    refused = deploy(app, {"executionUnit": unit | {"config": {"cpuMin": 1}}}, OGC, status=400).json
    assert refused["errors"][0]["pointer"] == "/executionUnit/config"


DOMAINS = {
    "name": ({"dataType": {"name": "integer"}}, {"type": "integer"}, 5),
    "text": ({"dataType": "double"}, {"type": "number"}, 1.5),
    "address": ({"dataType": {"reference": "https://www.w3.org/TR/xmlschema-2/#boolean"}}, {"type": "boolean"}, True),
    "prefix": (
        {"dataType": {"name": "xs:dateTime"}},
        {"type": "string", "format": "date-time"},
        "2020-01-01T00:00:00Z",
    ),
    "values": ({"dataType": "string", "allowedValues": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}, "a"),
    "values in a definition": (
        {"dataType": "string", "valueDefinition": {"allowedValues": [{"value": "a"}, "b"]}},
        {"type": "string", "enum": ["a", "b"]},
        "b",
    ),
    "numbers as texts": (
        {"dataType": "integer", "allowedValues": ["1", "2"], "defaultValue": "2"},
        {"type": "integer", "enum": [1, 2], "default": 2},
        1,
    ),
    "range": (
        {
            "dataType": "integer",
            "valueDefinition": {"minimumValue": "0", "maximumValue": "9", "rangeClosure": "closed-open"},
        },
        {"type": "integer", "minimum": 0, "maximum": 9, "exclusiveMaximum": True},
        8,
    ),
    "unit": ({"dataType": "float", "uom": {"name": "metre"}}, {"type": "number", "x-ogc-unit": "metre"}, 2),
    "any": ({"dataType": "string", "valueDefinition": {"anyValue": True}}, {"type": "string"}, "x"),
}


@pytest.mark.parametrize("spelling", ["literalDataDomains", "literalDataDomain", "LiteralDataDomains", "input"])
@pytest.mark.parametrize("name", DOMAINS)
def test_literal_data_domains_in_each_spelling(app: TestApp, name: str, spelling: str) -> None:
    domain, schema, value = DOMAINS[name]
    port = {"input": {"literalDataDomain": domain}} if spelling == "input" else {spelling: [domain]}
    tool = shout(fresh(), inputs={"text": "Any"}, expression="${return {said: JSON.stringify(inputs.text)};}")
    found = deployed(app, packed(tool, inputs=[{"id": "text", **port}]))
    assert (found["inputs"]["text"]["schema"], found["warnings"]) == (schema, [])
    assert said(app, tool["id"], {"text": value}) == json.dumps(value)


@pytest.mark.parametrize(
    ("port", "pointer"),
    [
        ({"literalDataDomains": [{"dataType": {"name": "polygon"}}]}, "/literalDataDomains/0/dataType"),
        ({"literalDataDomains": [{"dataType": "string", "valuesReference": "http://x"}]}, "/valuesReference"),
        ({"literalDataDomain": {"dataType": "integer", "allowedValues": [{"minimumValue": "x"}]}}, "/minimumValue"),
        ({"formats": [{"mediaType": "text/plain", "maximumMegabytes": 1}]}, "/formats/0/maximumMegabytes"),
        ({"schema": {"type": "string"}, "valuePassing": ["byValue"]}, "/valuePassing"),
        ({"schema": {"type": "string", "default": 5}}, "/schema/default"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(app: TestApp, port: dict, pointer: str) -> None:
    package = packed(shout("refused"), inputs={"text": port})
    errors = deploy(app, package, OGC, status=400).json["errors"]
    assert errors[0]["pointer"].startswith("/processDescription/process/inputs/text")
    assert errors[0]["pointer"].endswith(pointer)


LISTS = {
    "array": {"schema": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}},
    "array among others": {
        "schema": {
            "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}]
        }
    },
    "beside the schema": {"schema": {"type": "string"}, "minItems": 2, "maxItems": 3},
    "occurrences": {"schema": {"type": "string"}, "minOccurs": "2", "maxOccurs": "3"},
}


@pytest.mark.parametrize("name", LISTS)
def test_numbers_of_items_are_numbers_of_occurrences(app: TestApp, name: str) -> None:
    tool = shout(fresh(), inputs={"text": "string[]"}, expression="${return {said: inputs.text.join()};}")
    given = deployed(app, packed(tool, inputs={"text": LISTS[name]}))["inputs"]["text"]
    assert (given["schema"], given["minOccurs"], given["maxOccurs"]) == ({"type": "string"}, 2, 3)
    for wrong in ([], ["a"], ["a"] * 4):
        app.post_json(f"/processes/{tool['id']}/execution", {"inputs": {"text": wrong}}, status=400)
    assert said(app, tool["id"], {"text": ["a", "b"]}) == "a,b"


def test_what_cannot_be_said_of_occurrences_is_refused(app: TestApp) -> None:
    schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    package = packed(shout("lists", inputs={"text": "string[]"}), inputs={"text": {"schema": schema}})
    assert deploy(app, package, OGC, status=400).json["errors"][0]["pointer"].endswith("/schema/uniqueItems")


DEFAULTS = {
    "text": ("string", {"schema": {"type": "string", "default": "d"}}, "d"),
    "older": ("string", {"literalDataDomains": [{"dataType": "string", "defaultValue": "d"}]}, "d"),
    "array": (
        "string[]",
        {"schema": {"type": "array", "items": {"type": "string"}, "default": ["d", "e"]}},
        ["d", "e"],
    ),
    "one of several": ("string[]", {"schema": {"type": "string", "default": "d"}}, ["d"]),
    "all of several": ("string[]", {"schema": {"type": "string", "default": ["d", "e"]}}, ["d", "e"]),
    "in place of the package's": (
        {"type": "string", "default": "p"},
        {"schema": {"type": "string", "default": "d"}},
        "d",
    ),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_of_a_description_is_shown_and_applied(app: TestApp, name: str) -> None:
    kind, port, default = DEFAULTS[name]
    tool = shout(fresh(), inputs={"text": kind}, expression="${return {said: JSON.stringify(inputs.text)};}")
    given = deployed(app, packed(tool, inputs={"text": port}))["inputs"]["text"]
    assert (given["schema"]["default"], given["minOccurs"]) == (default, 0)
    assert json.loads(said(app, tool["id"], {})) == default
    assert json.loads(said(app, tool["id"], {"text": "x"})) in ("x", ["x"])


def test_a_default_of_a_patch_is_applied(app: TestApp) -> None:
    process_id = deployed(app, packed(shout(fresh())))["id"]
    patch(app, process_id, {"inputs": {"text": {"schema": {"type": "string", "default": "d"}}}}, status=200)
    assert said(app, process_id, {}) == "d!"


SCHEMA_URL = "https://example.org/schemas/scene.json"


@pytest.mark.parametrize("place", ["schema", "oneOf", "items", "properties", "formats"])
def test_the_schema_of_contents_may_be_an_address_everywhere(app: TestApp, place: str) -> None:
    file = {"type": "string", "contentMediaType": "application/json", "contentSchema": SCHEMA_URL}
    port = {
        "schema": {"schema": file},
        "oneOf": {"schema": {"oneOf": [file, TIFF]}},
        "items": {"schema": {"type": "array", "items": file}},
        "properties": {"schema": {"type": "object", "properties": {"a": file}, "contentMediaType": "application/json"}},
        "formats": {"formats": [{"mediaType": "application/json", "schema": SCHEMA_URL}]},
    }[place]
    kind = "File[]" if place == "items" else "File"
    tool = shout(fresh(), inputs={"text": kind}, outputs={"o": kind}, expression="${return {o: inputs.text};}")
    found = deployed(app, packed(tool, inputs={"text": port}, outputs={"o": port}))
    assert SCHEMA_URL in json.dumps(found["inputs"])
    assert SCHEMA_URL in json.dumps(found["outputs"])
    patch(app, tool["id"], {"title": "T", "outputs": {"o": {"schema": found["outputs"]["o"]["schema"]}}}, status=200)
    app.get("/api", headers={"Accept": "application/json"}, status=200)


FILES = {"formats": {"formats": [{"mimeType": "image/tiff"}]}, "schema": {"schema": TIFF}}


@pytest.mark.parametrize("name", FILES)
def test_what_is_said_of_files_holds_for_each_file_of_an_array(app: TestApp, name: str) -> None:
    either = ["File", "File[]"]
    tool = shout(
        fresh(),
        inputs={"text": "File[]", "either": {"type": either}},
        outputs={"all": "File[]", "either": {"type": either}},
        expression="${return {all: inputs.text, either: inputs.either};}",
    )
    file = FILES[name]
    inputs = {"text": file, "either": file | {"maxOccurs": 150}}
    found = deployed(app, packed(tool, inputs=inputs, outputs={"all": file, "either": file}))
    described = found["inputs"]["either"]
    assert (described["schema"]["contentMediaType"], described["maxOccurs"]) == ("image/tiff", 150)
    assert found["outputs"]["all"]["schema"]["items"]["contentMediaType"] == "image/tiff"
    one, several = found["outputs"]["either"]["schema"]["oneOf"]
    assert one["contentMediaType"] == several["items"]["contentMediaType"] == "image/tiff"
    tiff = {"value": "AAAA", "mediaType": "image/tiff"}
    request = {"inputs": {"text": [tiff, tiff], "either": [tiff, tiff]}, "response": "document"}
    answer = app.post_json(f"/processes/{tool['id']}/execution", request, status=200).json
    assert [len(answer["all"]), len(answer["either"])] == [2, 2]


def test_items_of_a_list_are_those_of_the_package(app: TestApp) -> None:
    tool = shout("items", outputs={"said": "string[]"})
    schema = {"type": "array", "items": {"type": "integer"}}
    answer = deploy(app, packed(tool, outputs={"said": {"schema": schema}}), OGC, status=400).json
    assert answer["errors"][0]["pointer"] == "/processDescription/process/outputs/said/schema"


FOLDER = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", "mkdir made; echo one > made/a.txt"],
    "inputs": {},
    "outputs": {"made": {"type": "Directory", "outputBinding": {"glob": "made"}}},
}


def test_a_folder_that_is_described_as_an_archive_is_one(app: TestApp) -> None:
    archive = {"type": "string", "contentEncoding": "binary", "contentMediaType": "application/zip"}
    process_id = deployed(app, packed(FOLDER | {"id": fresh()}, outputs={"made": {"schema": archive}}))["id"]
    path = f"/processes/{process_id}/execution"
    answer = app.post_json(path, {}, status=200)
    assert answer.content_type == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(answer.body)).read("a.txt") == b"one\n"
    document = app.post_json(path, {"response": "document"}, status=200).json
    assert document["made"]["type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(app.get(document["made"]["href"]).body)).namelist() == ["a.txt"]
    listing = app.get(document["made"]["href"], headers={"Accept": "application/json"}).json
    assert listing["class"] == "Directory"


def test_a_package_with_an_old_description_is_deployed_as_a_whole(app: TestApp) -> None:
    """As clients of 2019 write it."""
    package = application_package("old")
    package["processDescription"] = {
        "process": {
            "id": fresh(),
            "title": "Old",
            "inputs": [
                {
                    "id": "text",
                    "title": "Text",
                    "literalDataDomains": [{"dataType": {"name": "string"}}],
                    "minOccurs": "1",
                    "maxOccurs": "1",
                    "additionalParameters": [{"role": "r", "parameters": [{"name": "EOImage", "values": ["true"]}]}],
                }
            ],
            "outputs": [{"id": "said", "title": "Said"}],
        },
        "processVersion": "1.2.3",
        "jobControlOptions": ["async-execute", "sync-execute"],
        "outputTransmission": ["value", "reference"],
    }
    package |= {"immediateDeployment": True, "deploymentProfileName": "http://www.opengis.net/profiles/eoc/workflow"}
    found = deployed(app, package)
    assert (found["version"], found["warnings"]) == ("1.2.3", [])
    parameters = found["inputs"]["text"]["additionalParameters"]["parameters"]
    assert parameters == [{"name": "EOImage", "value": ["true"]}]
