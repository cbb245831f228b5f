"""What is said of broken packages is for their authors: no place of this server, no object, no class of a library."""

import json
import re

import pytest
from webtest import TestApp

from tests.support.packages import deploy, multipart

TOOL = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": "true", "inputs": {}, "outputs": {}}
COLOUR = {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}
SHAPE = {"type": "record", "name": "Shape", "fields": {"colour": "#Colour"}}
LEAKS = re.compile(
    r"/tmp|/cache/|file:|package-|\.package\.|0x[0-9a-f]{4}|\(\d{6,}\)|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{40}"
    r"|Commented|ScalarString|ScalarFloat|ruamel|schema_salad|cwltool|cwl_utils|[aA]vro|ordereddict|\bdict\b|NoneType"
    r"|\b[A-Z]\w*(Error|Exception)\b|<class|object at|org\.w3id"
)


def naming(*types: object) -> dict:
    return {"requirements": {"SchemaDefRequirement": {"types": list(types)}}}


def using(kind: object, *types: object, **more: object) -> dict:
    return TOOL | naming(*types) | {"inputs": {"given": {"type": kind} | more}}


def flow(source: object, sink: object, **more: object) -> tuple[dict, dict]:
    """A workflow, and the tool that is its step."""
    steps = {"step": {"run": "tool.cwl", "in": {"given": "given"}, "out": []}}
    workflow = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": {"given": source}, "outputs": {}, "steps": steps}
    return workflow | naming(COLOUR, SHAPE) | more, using(sink, COLOUR, SHAPE)


BROKEN = {
    "unknown name": (using("#Shade", COLOUR), "#Shade"),
    "unknown name in an array": (using("#Shade[]", COLOUR), "#Shade"),
    "unknown name in a record": (using("#Shape", SHAPE), "#Colour"),
    "defined twice": (using("#Colour", COLOUR, COLOUR), "'Colour' is defined twice"),
    "a symbol twice": (using("#Colour", COLOUR | {"symbols": ["red", "red"]}), "Duplicate symbol"),
    "no symbols": (using("#Colour", {"type": "enum", "name": "Colour"}), "symbols is missing"),
    "symbols that are a text": (using("#Colour", COLOUR | {"symbols": "red"}), "not a list"),
    "symbols that are numbers": (using("#Colour", COLOUR | {"symbols": [1, 2]}), "form of CWL"),
    "fields that are a text": (using("#Shape", SHAPE | {"fields": "x"}), "value is a text"),
    "a field that is a number": (using("#Shape", SHAPE | {"fields": {"colour": 5}}), "is a number"),
    "a field without a type": (using("#Shape", SHAPE | {"fields": [{"name": "colour"}]}), "type is missing"),
    "a type of another process": (
        {
            "cwlVersion": "v1.2",
            "$graph": [
                {"class": "CommandLineTool", "id": "main", "inputs": {"given": "#other/Colour"}, "outputs": {}},
                {"class": "ExpressionTool", "id": "other", "inputs": {}, "outputs": {}, "expression": "$({})"}
                | naming(COLOUR),
            ],
        },
        "there is no type",
    ),
    "no fields": (using("#Shape", {"type": "record", "name": "Shape"}), "there is no 'fields'"),
    "types by name": (TOOL | {"requirements": {"SchemaDefRequirement": {"types": {"Colour": COLOUR}}}}, "not a list"),
    "no types": (TOOL | {"requirements": {"SchemaDefRequirement": None}}, "null"),
    "a binding that is a number": (using("#Colour", COLOUR | {"inputBinding": 5}), "is a number"),
    "a type that is a number": (using(5, COLOUR), "is a number"),
    "a type within itself": (using("#List", {"type": "array", "name": "List", "items": "#List"}), "holds itself"),
    "two types within each other": (
        using("#A", *({"type": "record", "name": a, "fields": {"x": f"#{b}?"}} for a, b in ("AB", "BA"))),
        "holds itself",
    ),
    "an import that is missing": (using("nope.yml#Colour", {"$import": "nope.yml"}), "no file 'nope.yml'"),
    "an import from outside": (using("string", {"$import": "../../nope.yml"}), "'../../nope.yml' lies outside"),
    "an input that is a number": (TOOL | {"inputs": [5]}, "/inputs/0"),
    "a requirement that is a number": (TOOL | {"requirements": [5]}, "/requirements/0"),
    "a hint that is a number": (TOOL | {"hints": [5]}, "/hints/0"),
    "a record for a number": (flow("#Shape", "int"), "'given' of type"),
    "an enum for an array": (flow("#Colour[]", "#Colour"), "'given' of type"),
    "a step with an unknown type": (flow("#Colour", "#Shade"), "#Shade"),
    "an output that is none": (flow("#Colour", "#Colour", outputs={"o": {"type": "#Shade", "outputSource": "x"}}), ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_no_refusal_tells_of_the_inside_of_the_server(app: TestApp, name: str) -> None:
    document, told = BROKEN[name]
    main, tool = document if isinstance(document, tuple) else (document, TOOL)
    kind, body = multipart([({"Content-Location": "main.cwl"}, main), ({"Content-Location": "tool.cwl"}, tool)])
    answer = deploy(app, body, kind, "?id=broken&dryRun=true", status=400).json
    text = json.dumps([answer["detail"], answer.get("errors", [])], ensure_ascii=False)
    assert told in text
    assert not LEAKS.search(text), text
