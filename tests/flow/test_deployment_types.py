"""Types of packages in descriptions: what has a name, what occurs several times, what has a default."""

import json
from collections.abc import Iterator

import pytest
from webtest import TestApp

from tests.support.packages import deploy, fresh, multipart, shout, sweep

COLOUR = {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}
SHAPE = {"type": "record", "name": "Shape", "fields": {"colour": "#Colour", "sizes": "int[]?"}}
DESCRIBED = {"type": "string", "enum": ["red", "green"]}
BACK = {"requirements": {"InlineJavascriptRequirement": {}}, "outputs": {"back": "Any"}}
BACK |= {"expression": "${return {back: inputs.given};}"}


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    yield
    sweep(app)


def naming(*types: object) -> dict:
    return {"SchemaDefRequirement": {"types": list(types)}}


def returning(kind: object, *types: object, **more: object) -> dict:
    """A tool that gives back what it was given."""
    given = {"type": kind} | more
    requirements = BACK["requirements"] | (naming(*types) if types else {})
    return shout(None, **BACK | {"inputs": {"given": given}, "requirements": requirements})


def offered(app: TestApp, body: object, kind: str = "application/cwl") -> tuple[str, dict]:
    """The id of the process, and its input `given`."""
    process_id = fresh()
    deploy(app, body, kind, f"?id={process_id}", status=201)
    return process_id, app.get(f"/processes/{process_id}").json["inputs"]["given"]


def run(app: TestApp, process_id: str, inputs: dict, status: int = 200) -> dict:
    request = {"inputs": inputs, "response": "document"}
    return app.post_json(f"/processes/{process_id}/execution", request, status=status).json


def agrees(found: object, wanted: object) -> bool:
    """True for the same value; members that were not asked for may be null."""
    if isinstance(wanted, dict):
        return all(agrees(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(agrees, found, wanted))
    return found == wanted


NAMED = {
    "itself": ("#Colour", DESCRIBED, "red", "blue"),
    "optional": ("#Colour?", DESCRIBED | {"nullable": True}, "green", "blue"),
    "array": ("#Colour[]", DESCRIBED, ["red", "red"], ["blue"]),
    "array that is optional": ("#Colour[]?", DESCRIBED, ["red"], ["blue"]),
    "union": (["int", "#Colour"], None, "red", "blue"),
    "record": ("#Shape", None, {"colour": "red", "sizes": [1]}, {"colour": "blue"}),
    "array of records": ("#Shape[]", None, [{"colour": "red"}], [{"sizes": [1]}]),
    "record in a record": (
        {"type": "record", "fields": {"shape": "#Shape", "also": "#Shape?"}},
        None,
        {"shape": {"colour": "green"}},
        {"shape": {"colour": "blue"}},
    ),
}


@pytest.mark.parametrize("place", ["inline", "imported"])
@pytest.mark.parametrize("name", NAMED)
def test_a_type_with_a_name_is_described_as_if_it_were_written_in_place(app: TestApp, name: str, place: str) -> None:
    """And checked when a request comes."""
    kind, schema, right, wrong = NAMED[name]
    body: object = returning(kind, COLOUR, SHAPE)
    media_type = "application/cwl"
    if place == "imported":
        spelt = json.loads(json.dumps(kind).replace('"#', '"types.yml#'))
        parts = [
            ({"Content-Location": "main.cwl"}, returning(spelt, {"$import": "types.yml"})),
            ({"Content-Location": "types.yml"}, [COLOUR, SHAPE]),
        ]
        media_type, body = multipart(parts)
    process_id, given = offered(app, body, media_type)
    if schema:
        assert given["schema"] == schema
    assert "Colour" not in json.dumps(given["schema"])
    assert "enum" in json.dumps(given["schema"])
    back = run(app, process_id, {"given": right})["back"]
    assert agrees(back["value"] if isinstance(right, dict) else back, right), back
    refused = run(app, process_id, {"given": wrong}, status=400)
    assert refused["errors"][0]["pointer"].startswith("/inputs/given")


def test_a_workflow_and_its_step_share_a_type_by_name(app: TestApp) -> None:
    """Each names it in its own file, or imports it."""
    flow = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": naming({"$import": "types.yml"}),
        "inputs": {"given": "types.yml#Shape", "all": "types.yml#Colour[]"},
        "outputs": {
            "back": {"type": "types.yml#Shape", "outputSource": "step/back"},
            "first": {"type": "types.yml#Colour", "outputSource": "step/first"},
        },
        "steps": {"step": {"run": "tool.cwl", "in": {"given": "given", "all": "all"}, "out": ["back", "first"]}},
    }
    tool = shout(
        None,
        requirements=BACK["requirements"] | naming(COLOUR, SHAPE),
        inputs={"given": "#Shape", "all": "#Colour[]"},
        outputs={"back": "#Shape", "first": "#Colour"},
        expression="${return {back: inputs.given, first: inputs.all[0]};}",
    )
    kind, body = multipart(
        [
            ({"Content-Location": "flow.cwl"}, flow),
            ({"Content-Location": "tool.cwl"}, tool),
            ({"Content-Location": "types.yml"}, [COLOUR, SHAPE]),
        ]
    )
    process_id, given = offered(app, body, kind)
    assert given["schema"]["properties"]["colour"] == DESCRIBED
    outputs = app.get(f"/processes/{process_id}").json["outputs"]
    assert outputs["first"]["schema"] == DESCRIBED
    found = run(app, process_id, {"given": {"colour": "red"}, "all": ["green", "red"]})
    assert (found["back"]["value"]["colour"], found["first"]) == ("red", "green")


def test_bindings_of_a_type_with_a_name_make_the_command_line(app: TestApp) -> None:
    shape = {
        "type": "record",
        "name": "Shape",
        "fields": {
            "colour": {"type": "#Colour", "inputBinding": {"prefix": "--colour"}},
            "size": {"type": "int", "inputBinding": {"prefix": "--size"}},
        },
    }
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": "echo",
        "requirements": naming(COLOUR, shape),
        "inputs": {"given": {"type": "#Shape", "inputBinding": {}}, "more": {"type": "#Colour[]", "inputBinding": {}}},
        "stdout": "said.txt",
        "outputs": {"said": "stdout"},
    }
    process_id, _ = offered(app, tool)
    said = run(app, process_id, {"given": {"colour": "red", "size": 3}, "more": ["green", "red"]})["said"]
    assert sorted(said["value"].split()) == sorted(["--colour", "red", "--size", "3", "green", "red"])


ARRAYS = {
    "required": ("string[]", {}, (1, "unbounded"), None),
    "optional": ("string[]?", {}, (0, "unbounded"), None),
    "with a default": ("string[]", {"default": ["green", "nir"]}, (0, "unbounded"), ["green", "nir"]),
    "one or several": (["string", "string[]"], {}, (1, "unbounded"), None),
    "one or several with a default": (["string", "string[]"], {"default": "nir"}, (0, "unbounded"), ["nir"]),
    "anything": ("Any", {}, (1, 1), None),
    "anything or nothing": (["null", "Any"], {}, (0, 1), None),
    "anything with a default": ("Any", {"default": {"a": 1}}, (0, 1), {"a": 1}),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_how_often_an_input_occurs_and_what_it_is_by_default(app: TestApp, name: str) -> None:
    kind, more, occurs, default = ARRAYS[name]
    process_id, given = offered(app, returning(kind, **more))
    assert (given["minOccurs"], given["maxOccurs"]) == occurs
    assert given["schema"].get("default") == default
    answer = run(app, process_id, {}, status=200 if occurs[0] == 0 else 400)
    if occurs[0]:
        assert answer["errors"][0]["pointer"] == "/inputs/given"
    elif default is not None:
        assert answer["back"] in (more["default"], {"value": more["default"]})


def test_a_list_without_items_is_a_value_of_a_required_array(app: TestApp) -> None:
    process_id, _ = offered(app, returning("string[]"))
    assert run(app, process_id, {"given": []})["back"] == []


@pytest.mark.parametrize(
    ("given", "back"),
    [("a", "a"), (["a"], "a"), (["a", "b"], ["a", "b"]), ([], [])],
    ids=["one", "of one", "two", "none"],
)
def test_one_value_or_several_of_an_input_that_takes_either(app: TestApp, given: object, back: object) -> None:
    process_id, described = offered(app, returning(["string", "string[]"]))
    assert described["schema"] == {"type": "string"}
    assert run(app, process_id, {"given": given})["back"] == back


def test_the_api_definition_has_the_default_where_it_fits(app: TestApp) -> None:
    process_id, _ = offered(app, returning("string[]", default=["a"]))
    api = app.get("/api", headers={"Accept": "application/json"}).json
    given = api["components"]["schemas"][f"execute-{process_id}"]["properties"]["inputs"]["properties"]["given"]
    assert given["default"] == ["a"]
    assert '"default"' not in json.dumps(given["anyOf"])
