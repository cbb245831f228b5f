"""Execute requests: JSON text -> domain -> store -> domain, and every fault of their shape."""

import json

import pytest

from weaver_like.authoring.load import describe
from weaver_like.builtin import testing
from weaver_like.domain.errors import InvalidInput, UnsupportedMediaType
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.process import Process
from weaver_like.domain.values import Reference, Value
from weaver_like.faces.ogcapi.documents.execute import parse_execute, read_body
from weaver_like.schemas.execution import parse_stored, render_execution
from weaver_like.schemas.inputs import render_inputs
from weaver_like.schemas.jsontext import dumps, loads

PROCESSES: dict[str, Process] = {process.id: process for process in describe({"module": testing.__name__})}
ECHO, GEO, PAIR, WPS = PROCESSES["echo"], PROCESSES["geo-echo"], PROCESSES["pair-echo"], PROCESSES["wps-echo"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{]",
        b'{"a":}',
        b'{"a":1,}',
        b"{'a':1}",
        b"{a:1}",
        b"nul",
        b"NaN",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":1.}',
        b'{"a":0x1}',
        b'{"a":1e400}',
        b'{"a":"\n"}',
        b'{"a":"\x00"}',
        b'{"a":"\\x"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xc0\xae"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        '{"a":1}'.encode("utf-32"),
        b"{} {}",
        b"{}x",
        b"// no\n{}",
        b"[" * 100000,
        b"[" * 100000 + b"]" * 100000,
        b'{"a":' * 50000 + b"1" + b"}" * 50000,
        b"\x00",
        b"<xml/>",
        b"1" + b"0" * 5000,
        b"\x1f\x8b\x08",
    ],
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """RFC 8259; a fault is told with line and column."""
    with pytest.raises(InvalidInput) as caught:
        read_body(text, "application/json")
    assert caught.value.faults[0].pointer == ""
    assert len(caught.value.detail) < 1000


def test_json_nested_below_the_limit_of_one_reader_but_not_of_the_other_is_refused_or_read() -> None:
    """A long integer makes the second reader look at the text, which has a limit of its own."""
    for depth in (500, 900, 990, 1010, 1020, 1023):
        try:
            read_body(b'{"n":1234567890123456789,"a":' + b"[" * depth + b"]" * depth + b"}", "application/json")
        except InvalidInput:
            continue


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "json",
        "*/*",
        "application/jsonx",
        "application/json+xml",
    ],
)
def test_other_content_types_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_body(b"{}", kind)


@pytest.mark.parametrize(
    "kind", ["", "application/json", "Application/JSON", "application/json; charset=utf-8", "application/geo+json"]
)
def test_json_content_types_are_taken(kind: str) -> None:
    assert read_body(b"{}", kind) == {}


@pytest.mark.parametrize(
    "text",
    [
        b"9007199254740993",
        b"18446744073709551616",
        b"-9223372036854775809",
        b"123456789012345678901234567890",
        b"0.1",
        b"1e300",
        b"-0.0",
        b'"\\u2603"',
        b'"\\ud83d\\ude00"',
        b'"12345678901234567890"',
        b'[1.5,12345678901234567890,null,true,{"a":""}]',
    ],
)
def test_no_digit_and_no_character_is_lost(text: bytes) -> None:
    value = loads(text)
    assert value == json.loads(text)
    assert repr(loads(dumps(value))) == repr(value)


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        (5, [""]),
        (None, [""]),
        ([], [""]),
        ("x", [""]),
        (True, [""]),
        ({"surplus": 1}, [""]),
        ({"inputs": 5}, ["/inputs"]),
        ({"inputs": None}, ["/inputs"]),
        ({"inputs": "x"}, ["/inputs"]),
        ({"inputs": [1]}, ["/inputs"]),
        ({"inputs": [{}]}, ["/inputs"]),
        ({"inputs": [{"id": 5, "value": 1}]}, ["/inputs"]),
        ({"outputs": 5}, ["/outputs"]),
        ({"outputs": None}, ["/outputs"]),
        ({"outputs": {"a": None}}, ["/outputs"]),
        ({"outputs": {"a": 1}}, ["/outputs"]),
        ({"outputs": {"a": {"transmissionMode": "carrier pigeon"}}}, ["/outputs"]),
        ({"outputs": {"a": {"transmissionMode": None}}}, ["/outputs"]),
        ({"outputs": {"a": {"format": 5}}}, ["/outputs"]),
        ({"outputs": {"a": {"format": {"mediaType": 5}}}}, ["/outputs"]),
        ({"outputs": [{}]}, ["/outputs"]),
        ({"response": "cooked"}, ["/response"]),
        ({"response": None}, ["/response"]),
        ({"response": ["raw"]}, ["/response"]),
        ({"mode": "later"}, ["/mode"]),
        ({"priority": -1}, ["/priority"]),
        ({"priority": 128}, ["/priority"]),
        ({"priority": 0.5}, ["/priority"]),
        ({"priority": True}, ["/priority"]),
        ({"priority": "1"}, ["/priority"]),
        ({"title": 5}, ["/title"]),
        ({"title": "x" * 201}, ["/title"]),
        ({"subscriber": 5}, ["/subscriber"]),
        ({"subscriber": []}, ["/subscriber"]),
        ({"subscriber": {"uri": "http://a/"}}, ["/subscriber"]),
        ({"subscriber": {"successUri": 5}}, ["/subscriber/successUri"]),
        ({"subscriber": {"successUri": None}}, ["/subscriber/successUri"]),
        ({"subscriber": {"successUri": ""}}, ["/subscriber/successUri"]),
        ({"subscriber": {"successUri": "/here"}}, ["/subscriber/successUri"]),
        ({"subscriber": {"successUri": "http://a b/"}}, ["/subscriber/successUri"]),
        ({"subscriber": {"failedUri": "http://a/" + "x" * 2000}}, ["/subscriber/failedUri"]),
        ({"response": 1, "mode": 1, "priority": "x", "title": 1}, ["/response", "/mode", "/priority", "/title"]),
        ({"subscriber": {"successUri": 1, "failedUri": 2}}, ["/subscriber/successUri", "/subscriber/failedUri"]),
    ],
)
def test_every_fault_of_the_shape_has_a_pointer(document: object, pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_execute(document, ECHO)
    found = [fault.pointer for fault in caught.value.faults]
    assert len(found) >= len(pointers)
    assert all(any(one.startswith(wanted) for one in found) for wanted in pointers), found


#: (process, request): everything that a client may say, in every form.
REQUESTS = [
    (ECHO, {}),
    (ECHO, {"inputs": {}}),
    (ECHO, {"inputs": {}, "outputs": {}}),
    (ECHO, {"inputs": {"message": "x", "number": 1.5, "flag": False, "list": [1, 2], "choice": "a"}}),
    (ECHO, {"inputs": {"message": None}}),
    (ECHO, {"inputs": {"list": []}}),
    (ECHO, {"inputs": {"list": [[]]}}),
    (ECHO, {"inputs": {"number": 2**70}}),
    (ECHO, {"inputs": {"message": {"value": "x"}}}),
    (ECHO, {"inputs": {"message": {"value": {"value": 1}}}}),
    (ECHO, {"inputs": {"message": {"href": "http://a/", "type": "text/plain", "title": "T"}}}),
    (ECHO, {"inputs": {"message": {"href": 5}}}),
    (ECHO, {"inputs": {"message": {"value": {"href": "http://a/"}}}}),
    (ECHO, {"inputs": {"message": {"value": 1, "surplus": 2}}}),
    (ECHO, {"inputs": {"image": {"value": "AAAA", "mediaType": "image/tiff", "encoding": "base64"}}}),
    (
        ECHO,
        {
            "inputs": {
                "image": {
                    "value": "AAAA",
                    "format": {"mediaType": "image/tiff", "encoding": "base64", "schema": {"type": "string"}},
                }
            }
        },
    ),
    (ECHO, {"inputs": {"bbox": {"bbox": [1, 2, 3, 4], "crs": "http://a/"}}}),
    (ECHO, {"inputs": {"": 1, "a/b": 2, "~": 3, "ä": 4}}),
    (GEO, {"inputs": {"words": []}}),
    (GEO, {"inputs": {"words": "one"}}),
    (GEO, {"inputs": {"words": ["a", {"value": "b"}, {"href": "http://a/"}]}}),
    (GEO, {"inputs": {"thing": {"name": "x", "value": 1}}}),
    (GEO, {"inputs": {"thing": {"name": "x", "href": 1}}}),
    (PAIR, {"inputs": {"pair": ["a", "b"]}}),
    (PAIR, {"inputs": [{"id": "pair", "value": "a"}, {"id": "pair", "data": "b"}]}),
    (PAIR, {"inputs": [{"id": "pair", "href": "http://a/", "format": {"mimeType": "text/plain"}}]}),
    (
        ECHO,
        {
            "outputs": {
                "message": {},
                "number": {"transmissionMode": "reference", "format": {"mediaType": "text/plain"}},
            }
        },
    ),
    (ECHO, {"outputs": [{"id": "message", "transmissionMode": "value"}, {"id": "number"}]}),
    (ECHO, {"response": "document", "mode": "async", "priority": 0, "title": "ünï", "process": "x", "$schema": "y"}),
    (ECHO, {"subscriber": {"successUri": "http://a/", "inProgressUri": "http://b/", "failedUri": "http://c/"}}),
    (ECHO, {"subscriber": {}}),
]


def meaning(execution: Execution) -> dict[str, list]:
    """What the inputs say, however it was spelled: an object that looks
    like a qualified value must be stored as one."""
    return {
        name: [item if isinstance(item, Reference) else (item.data, item.format) for item in given.items]
        for name, given in execution.inputs.items()
    }


@pytest.mark.parametrize(("process", "document"), REQUESTS)
def test_what_is_stored_comes_back_equal(process: Process, document: dict) -> None:
    execution = parse_execute(document, process)
    stored = parse_stored(loads(dumps(render_execution(execution))))
    assert render_execution(stored) == render_execution(execution)
    assert meaning(stored) == meaning(execution)
    assert (stored.outputs, stored.response, stored.subscriber, stored.priority, stored.mode, stored.title) == (
        execution.outputs,
        execution.response,
        execution.subscriber,
        execution.priority,
        execution.mode,
        execution.title,
    )


@pytest.mark.parametrize(("process", "document"), REQUESTS)
def test_the_inputs_that_are_shown_can_be_sent_again(process: Process, document: dict) -> None:
    execution = parse_execute(document, process)
    again = parse_execute({"inputs": render_inputs(execution, process)}, process)
    assert meaning(again) == meaning(execution)


def test_members_become_what_they_mean() -> None:
    execution = parse_execute(
        {
            "inputs": {
                "message": {"href": "http://a/x", "type": "text/plain"},
                "number": {"value": 1, "mediaType": "text/plain"},
            },
            "response": "raw",
            "outputs": {"message": {"transmissionMode": "reference"}},
            "subscriber": {"successUri": "http://a/"},
        },
        ECHO,
    )
    assert execution.inputs["message"].items == (Reference("http://a/x", Format("text/plain")),)
    assert execution.inputs["number"].items == (Value(1, Format("text/plain"), qualified=True),)
    assert execution.outputs == {"message": OutputRequest(Transmission.REFERENCE)}
    assert execution.response is ResponseForm.RAW
    assert execution.subscriber == Subscriber("http://a/")


@pytest.mark.parametrize(
    ("raw", "items", "pointers"),
    [
        (["a", "b"], 2, ("/inputs/words/0", "/inputs/words/1")),
        ([], 0, ()),
        ("a", 1, ("/inputs/words",)),
        ({"value": ["a", "b"]}, 2, ("/inputs/words", "/inputs/words")),
    ],
)
def test_an_array_is_several_occurrences_of_an_input_that_repeats(raw: object, items: int, pointers: tuple) -> None:
    """/req/core/process-execute-input-array"""
    given = parse_execute({"inputs": {"words": raw}}, GEO).inputs["words"]
    assert (len(given.items), given.pointers) == (items, pointers)


def test_an_array_is_one_value_of_an_input_whose_schema_is_an_array() -> None:
    given = parse_execute({"inputs": {"list": [1, 2]}}, ECHO).inputs["list"]
    assert given.items == (Value([1, 2]),)


def test_pointers_are_escaped() -> None:
    """RFC 6901 section 3"""
    execution = parse_execute({"inputs": {"a/b~c": 1}}, ECHO)
    assert execution.inputs["a/b~c"].pointers == ("/inputs/a~1b~0c",)
