"""Inputs against the description of their process: what fits, what does not, and where the fault stands."""

import pytest

from weaver_like.authoring.load import describe
from weaver_like.builtin import testing
from weaver_like.domain.errors import FaultKind
from weaver_like.domain.execution import Execution
from weaver_like.domain.process import ExecutionUnit, InputDescription, Process
from weaver_like.faces.ogcapi.documents.execute import parse_execute
from weaver_like.schemas.validators import ProcessValidator

PROCESSES: dict[str, Process] = {process.id: process for process in describe({"module": testing.__name__})}
VALIDATORS = {name: ProcessValidator(process) for name, process in PROCESSES.items()}
BOX = [1, 2, 3, 4]


def pointers(process: str, inputs: object, outputs: object = None) -> list[str]:
    """Where the faults of a request stand."""
    document = {"inputs": inputs} | ({} if outputs is None else {"outputs": outputs})
    return [fault.pointer for fault in VALIDATORS[process].faults(parse_execute(document, PROCESSES[process]))]


@pytest.mark.parametrize(
    ("process", "inputs"),
    [
        ("echo", {"message": ""}),
        ("echo", {"message": "a", "number": 5}),
        ("echo", {"message": "a", "number": -1e308}),
        ("echo", {"message": "a", "number": 2**80}),
        ("echo", {"message": "a", "flag": False}),
        ("echo", {"message": "a", "list": []}),
        ("echo", {"message": "a", "list": [1.0]}),
        ("echo", {"message": "a", "list": {"value": [1]}}),
        ("echo", {"message": "a", "choice": "b"}),
        ("echo", {"message": "a", "pause": 0}),
        ("echo", {"message": "a", "bbox": {"bbox": BOX}}),
        ("echo", {"message": "a", "bbox": {"bbox": [1, 2, 3, 4, 5, 6]}}),
        ("echo", {"message": "a", "bbox": {"bbox": [170, 0, -170, 1]}}),
        ("echo", {"message": "a", "bbox": {"value": {"bbox": BOX}}}),
        ("echo", {"message": "a", "image": "AAAA"}),
        ("echo", {"message": "a", "image": "AA\nAA"}),
        ("echo", {"message": "a", "image": ""}),
        ("echo", {"message": {"href": "http://a/"}}),
        ("echo", {"message": "a", "image": {"href": "http://a/", "type": "image/tiff"}}),
        ("greet", [{"id": "name", "value": "a"}]),
        ("greet", {"name": {"value": "a"}}),
        ("wps-echo", {}),
        ("wps-echo", {"multiInput": []}),
        ("wps-echo", {"multiInput": "a"}),
        ("wps-echo", {"multiInput": ["a", "b"]}),
        ("wps-echo", {"complexInput": "x"}),
        ("wps-echo", {"complexInput": {"value": {"a": 1}, "mediaType": "application/json"}}),
        ("wps-echo", {"complexInput": {"value": "<a/>", "format": {"mediaType": "text/xml"}}}),
        ("geo-echo", {"level": 0}),
        ("geo-echo", {"level": 10}),
        ("geo-echo", {"thing": {"name": "", "more": [1]}}),
        ("geo-echo", {"words": ["a"] * 1000}),
        ("geo-echo", {"features": {"type": "FeatureCollection", "features": []}}),
        (
            "geo-echo",
            {
                "features": {
                    "value": '{"type": "FeatureCollection", "features": []}',
                    "mediaType": "application/geo+json",
                }
            },
        ),
        ("pair-echo", {"pair": ["a", "b"]}),
        ("echo-complex", {"complexInput": {"value": "eA==", "mediaType": "text/plain", "encoding": "base64"}}),
    ],
)
def test_what_fits(process: str, inputs: object) -> None:
    assert pointers(process, inputs) == []


@pytest.mark.parametrize(
    ("process", "inputs", "wanted"),
    [
        ("echo", {}, ["/inputs/message"]),
        ("greet", {}, ["/inputs/name"]),
        ("pair-echo", {}, ["/inputs/pair"]),
        ("echo-complex", {}, ["/inputs/complexInput"]),
        ("greet", {"name": None}, ["/inputs/name"]),
        ("greet", {"name": 5}, ["/inputs/name"]),
        ("greet", {"name": ["a"]}, ["/inputs/name"]),
        ("greet", {"name": {}}, ["/inputs/name"]),
        ("greet", {"name": {"value": 5}}, ["/inputs/name/value"]),
        ("greet", {"name": {"value": "a", "x": 1}}, ["/inputs/name"]),
        ("greet", {"name": {"href": 5}}, ["/inputs/name"]),
        ("greet", {"name": True}, ["/inputs/name"]),
        ("greet", {"name": "a", "surplus": 1}, ["/inputs/surplus"]),
        ("greet", {"name": "a", "": 1}, ["/inputs/"]),
        ("greet", {"name": "a", "a/~": 1}, ["/inputs/a~1~0"]),
        ("echo", {"message": "a", "number": "5"}, ["/inputs/number"]),
        ("echo", {"message": "a", "number": True}, ["/inputs/number"]),
        ("echo", {"message": "a", "number": [5]}, ["/inputs/number"]),
        ("echo", {"message": "a", "number": None}, ["/inputs/number"]),
        ("echo", {"message": "a", "flag": "false"}, ["/inputs/flag"]),
        ("echo", {"message": "a", "flag": 0}, ["/inputs/flag"]),
        ("echo", {"message": "a", "list": 1}, ["/inputs/list"]),
        ("echo", {"message": "a", "list": [1, "2", 3.5]}, ["/inputs/list/1", "/inputs/list/2"]),
        ("echo", {"message": "a", "list": {"value": ["x"]}}, ["/inputs/list/value/0"]),
        ("echo", {"message": "a", "list": [[1]]}, ["/inputs/list/0"]),
        ("echo", {"message": "a", "choice": "A"}, ["/inputs/choice"]),
        ("echo", {"message": "a", "choice": ""}, ["/inputs/choice"]),
        ("echo", {"message": "a", "pause": -1}, ["/inputs/pause"]),
        ("echo", {"message": "a", "pause": 0.5}, ["/inputs/pause"]),
        ("geo-echo", {"level": -1}, ["/inputs/level"]),
        ("geo-echo", {"level": 11}, ["/inputs/level"]),
        ("geo-echo", {"level": 5.5}, ["/inputs/level"]),
        ("geo-echo", {"level": 2**80}, ["/inputs/level"]),
        ("geo-echo", {"thing": {}}, ["/inputs/thing"]),
        ("geo-echo", {"thing": {"name": 5}}, ["/inputs/thing/name"]),
        ("geo-echo", {"thing": "x"}, ["/inputs/thing"]),
        ("geo-echo", {"words": [1, "a", None]}, ["/inputs/words/0", "/inputs/words/2"]),
        ("geo-echo", {"features": {"type": "Feature", "features": []}}, ["/inputs/features/type"]),
        ("geo-echo", {"features": {"type": "FeatureCollection"}}, ["/inputs/features"]),
        ("geo-echo", {"features": {"value": "{", "mediaType": "application/geo+json"}}, ["/inputs/features/value"]),
        ("geo-echo", {"document": 5}, ["/inputs/document"]),
        ("wps-echo", {"enumInput": "d"}, ["/inputs/enumInput"]),
        ("wps-echo", {"multiInput": ["a", "b", "c"]}, ["/inputs/multiInput"]),
        ("wps-echo", {"numberInput": "NaN"}, ["/inputs/numberInput"]),
        ("wps-echo", {"complexInput": 5}, ["/inputs/complexInput"]),
        ("pair-echo", {"pair": []}, ["/inputs/pair"]),
        ("pair-echo", {"pair": "a"}, ["/inputs/pair"]),
        ("pair-echo", {"pair": ["a"]}, ["/inputs/pair"]),
        ("pair-echo", {"pair": ["a", "b", "c"]}, ["/inputs/pair"]),
        ("pair-echo", {"pair": ["a", 1]}, ["/inputs/pair/1"]),
        ("sleep", {"delay": -0.1}, ["/inputs/delay"]),
        ("sleep", {"delay": "1"}, ["/inputs/delay"]),
        ("fail", {"message": 1}, ["/inputs/message"]),
    ],
)
def test_what_does_not_fit(process: str, inputs: dict, wanted: list[str]) -> None:
    """/req/core/process-execute-input-validation"""
    assert pointers(process, inputs) == wanted


@pytest.mark.parametrize(
    ("box", "wanted"),
    [
        ([1, 2, 3], ["/bbox"]),
        ([1, 2, 3, 4, 5], ["/bbox"]),
        ([], ["/bbox"]),
        (["1", "2", "3", "4"], ["/bbox"]),
        ([1, 2, 3, True], ["/bbox"]),
        ([1, 2, 3, None], ["/bbox"]),
        ("1,2,3,4", ["/bbox"]),
        (None, ["/bbox"]),
        ([1, 2, 3, float("nan")], ["/bbox"]),
        ([1, 2, 3, float("inf")], ["/bbox"]),
        ([[1, 2], [3, 4]], ["/bbox"]),
        ({"0": 1}, ["/bbox"]),
        ([1, 2, 3, 10**400], ["/bbox"]),
    ],
)
def test_boxes_that_are_none(box: object, wanted: list[str]) -> None:
    """OGC 18-062r2, bbox.yaml"""
    for process, name in (("echo", "bbox"), ("wps-echo", "bboxInput")):
        inputs = {"message": "a"} if process == "echo" else {}
        assert pointers(process, inputs | {name: {"bbox": box}}) == [f"/inputs/{name}{pointer}" for pointer in wanted]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([1, 2, 3, 4], ""),
        ("1,2,3,4", ""),
        (5, ""),
        ({}, ""),
        ({"crs": "http://a/"}, ""),
        ({"bbox": BOX, "crs": 4326}, "/crs"),
        ({"bbox": BOX, "crs": ""}, "/crs"),
        ({"bbox": BOX, "crs": None}, "/crs"),
        ({"bbox": BOX, "crs": "WGS84"}, "/crs"),
    ],
)
def test_what_is_no_box_at_all(value: object, wanted: str) -> None:
    assert pointers("echo", {"message": "a", "bbox": value}) == [f"/inputs/bbox{wanted}"]


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("AAAA", True),
        ("AAA=", True),
        ("", True),
        ("AAA", False),
        ("A", False),
        ("!!!!", False),
        ("AA=A", False),
        ("é", False),
        ("data:image/tiff;base64,AAAA", False),
        ("AA AA", False),
        (5, False),
        (None, False),
        ([], False),
    ],
)
@pytest.mark.parametrize("qualified", [False, True])
def test_base64(value: object, fits: bool, qualified: bool) -> None:
    """/req/core/process-execute-input-inline-binary; RFC 4648 section 4"""
    image = (
        {"value": value, "mediaType": "image/tiff; application=geotiff", "encoding": "base64"} if qualified else value
    )
    assert pointers("echo", {"message": "a", "image": image}) == (
        [] if fits else ["/inputs/image/value" if qualified else "/inputs/image"]
    )


@pytest.mark.parametrize("value", ["###", "AAA", "é"])
@pytest.mark.parametrize(
    ("process", "name"), [("echo-complex", "complexInput"), ("wps-echo", "complexInput"), ("geo-echo", "document")]
)
def test_a_text_that_calls_itself_base64_is_base64(process: str, name: str, value: str) -> None:
    """Else the process would get other bytes than the client meant."""
    given = {"value": value, "mediaType": "text/plain", "encoding": "base64"}
    assert pointers(process, {name: given}) == [f"/inputs/{name}/value"]


@pytest.mark.parametrize(
    "value",
    [
        {"value": "x", "mediaType": "image/png"},
        {"value": "x", "format": {"mediaType": "application/pdf"}},
        {"href": "http://a/", "type": "image/png"},
        {"value": "x", "mediaType": "text"},
        {"value": "x", "mediaType": "*/*"},
    ],
)
def test_media_types_that_are_not_offered(value: dict) -> None:
    """/req/core/process-execute-input-mixed-type"""
    assert pointers("echo-complex", {"complexInput": value}) == ["/inputs/complexInput"]


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain; a=\r\nX-Evil: 1",
        "text/plain; a=\n",
        "text/plain; a=\x00",
        "text/plain; a=\u2603",
        "text/plain\r\n\r\nx",
    ],
)
def test_media_types_that_no_header_can_hold(media_type: str) -> None:
    """RFC 9110 section 8.3.1: the media type of an input may come back as the Content-Type of an answer."""
    assert pointers("echo-complex", {"complexInput": {"value": "x", "mediaType": media_type}})
    assert pointers("echo-complex", {"complexInput": {"href": "http://a/", "type": media_type}})
    assert pointers("echo-complex", {"complexInput": "x"}, {"complexOutput": {"format": {"mediaType": media_type}}})


@pytest.mark.parametrize(
    ("outputs", "wanted"),
    [
        ({}, []),
        ({"message": {}}, []),
        ({"nothing": {}}, ["/outputs/nothing"]),
        ({"": {}}, ["/outputs/"]),
        ({"a/b": {}}, ["/outputs/a~1b"]),
        ({"nothing": {}, "neither": {}}, ["/outputs/nothing", "/outputs/neither"]),
        ({"image": {"format": {"mediaType": "image/png"}}}, ["/outputs/image"]),
        ({"image": {"mediaType": "image/tiff"}}, []),
        ({"message": {"mediaType": "text/plain"}, "number": {"mediaType": "text/plain"}}, []),
        ({name: {"mediaType": "application/json"} for name in ("message", "number", "flag", "list", "choice")}, []),
        ({name: {"mediaType": "image/png"} for name in ("message", "flag")}, ["/outputs/message", "/outputs/flag"]),
        ({"list": {"mediaType": "text/plain"}}, ["/outputs/list"]),
    ],
)
def test_outputs(outputs: dict, wanted: list[str]) -> None:
    assert pointers("echo", {"message": "a"}, outputs) == wanted


def test_all_faults_are_told_at_once() -> None:
    found = pointers(
        "echo",
        {
            "number": "x",
            "flag": 1,
            "list": ["x", "y"],
            "choice": "z",
            "bbox": {"bbox": [1], "crs": 1},
            "image": "!",
            "surplus": 1,
        },
        {"nothing": {}},
    )
    assert sorted(found) == sorted(
        [
            "/inputs/message",
            "/inputs/number",
            "/inputs/flag",
            "/inputs/list/0",
            "/inputs/list/1",
            "/inputs/choice",
            "/inputs/bbox/bbox",
            "/inputs/bbox/crs",
            "/inputs/image",
            "/inputs/surplus",
            "/outputs/nothing",
        ]
    )


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ([{"id": "nothing", "value": 1}], "/inputs/0"),
        ([{"id": "message", "value": "a"}, {"id": "message", "value": "b"}], "/inputs/1"),
        ([{"id": "message", "value": 5}], "/inputs/0/value"),
        ([{"id": "message"}], "/inputs/0"),
    ],
)
def test_pointers_lead_into_the_list_form(inputs: list, wanted: str) -> None:
    """RFC 6901: a pointer names a place in what was sent; there is no member `message` in a list."""
    found = [
        pointer for pointer in pointers("echo", inputs) if pointer != "/inputs/message" or "nothing" not in str(inputs)
    ]
    assert found == [wanted]


def test_many_faults_make_no_giant_answer() -> None:
    """A body of 1 MB must not be answered with 20."""
    found = VALIDATORS["echo"].faults(
        parse_execute({"inputs": {f"x{number}": 1 for number in range(50_000)}}, PROCESSES["echo"])
    )
    assert 50 <= len(found) <= 1000


def test_what_is_missing_is_told_from_what_is_wrong() -> None:
    """WPS has codes of its own for both."""
    missing, wrong = (
        VALIDATORS["echo"].faults(parse_execute({"inputs": inputs}, PROCESSES["echo"]))
        for inputs in ({}, {"message": "x", "number": "y"})
    )
    assert [fault.kind for fault in missing] == [FaultKind.REQUIRED]
    assert [fault.kind for fault in wrong] == [FaultKind.INVALID]


def deep_process(schema: dict, **more: object) -> ProcessValidator:
    """A validator of a process with the one input `it`."""
    return ProcessValidator(
        Process("p", "1", ExecutionUnit("python", {}), inputs={"it": InputDescription("it", schema, **more)})
    )


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "pattern": "^[a-z]+$"}, "abc", "ABC"),
        ({"type": "string", "minLength": 2, "maxLength": 3}, "ab", "abcd"),
        ({"type": "string", "format": "date-time"}, "2024-01-01T00:00:00Z", "yesterday"),
        ({"type": "string", "format": "uri"}, "http://a/", "no uri"),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, 1, 0),
        ({"type": "number", "multipleOf": 5}, 10, 11),
        ({"type": "integer", "nullable": True}, None, "x"),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 2], [1, 1]),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, "x", 1.5),
        ({"enum": [1, "a", None]}, None, 2),
        ({"not": {"type": "string"}}, 1, "x"),
    ],
)
def test_every_keyword_counts(schema: dict, good: object, bad: object) -> None:
    validator = deep_process(schema)
    assert validator.faults(parse_execute({"inputs": {"it": good}}, validator.process)) == []
    assert [fault.pointer for fault in validator.faults(parse_execute({"inputs": {"it": bad}}, validator.process))] == [
        "/inputs/it"
    ]


@pytest.mark.parametrize("depth", [100, 250, 300, 500, 1000])
def test_a_deep_value_fits_or_is_a_fault(depth: int) -> None:
    """No depth that the reader of the body lets through may break a later step."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    for schema in (
        {"type": "object", "required": ["name"]},
        {"type": "number"},
        {"properties": {"deep": {"type": "string"}}},
    ):
        validator = deep_process(schema)
        found = validator.faults(parse_execute({"inputs": {"it": {"name": "x", "deep": value}}}, validator.process))
        assert all(fault.pointer.startswith("/inputs/it") for fault in found)


def test_nothing_is_asked_of_an_execution_without_inputs() -> None:
    assert VALIDATORS["wps-echo"].faults(Execution()) == []
