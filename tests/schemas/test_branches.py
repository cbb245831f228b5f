"""Values that fit no branch of `anyOf` or `oneOf`: the branch that fits best is explained, down to the member."""

import pytest

from weaver_like.domain.process import InputDescription
from weaver_like.domain.values import Value
from weaver_like.schemas.shape import Shape
from weaver_like.schemas.validators import InputValidator

NUMBERS = {"type": "array", "items": {"type": "number"}}
POINT = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {"type": {"enum": ["Point"]}, "coordinates": NUMBERS},
}
LINE = POINT | {"properties": {"type": {"const": "LineString"}, "coordinates": {"type": "array", "items": NUMBERS}}}
SIZES = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+ m$"}]}
NESTED = {"type": "object", "properties": {"size": SIZES, "where": {"oneOf": [POINT, LINE]}}}


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
@pytest.mark.parametrize(
    ("value", "pointer", "detail"),
    [
        ({"type": "Point", "coordinates": ["a", 2]}, "/coordinates/0", '"a" is not of type "number"'),
        ({"type": "LineString", "coordinates": [[1, 2], [3, "x"]]}, "/coordinates/1/1", '"x" is not of type "number"'),
        ({"type": "LineString"}, "", '"coordinates" is a required property'),
        (5, "", '5 is not of type "object"; or 5 is not of type "string"'),
    ],
)
def test_the_branch_that_fits_best_is_explained(word: str, value: object, pointer: str, detail: str) -> None:
    (fault,) = Shape({word: [POINT, LINE, {"type": "string"}]}).faults(value)
    assert (fault.pointer, fault.detail) == (pointer, detail)


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        ({"size": 0}, ["/size"]),
        ({"size": "3 km"}, ["/size"]),
        ({"size": None, "where": {"type": "Point", "coordinates": [1, "b", "c"]}}, ["/size", "/where/coordinates/1"]),
    ],
)
def test_branches_inside_of_values_are_explained(value: object, pointers: list[str]) -> None:
    found = [fault.pointer for fault in Shape(NESTED).faults(value, "/inputs/x")]
    assert set(found) >= {f"/inputs/x{pointer}" for pointer in pointers}


def test_the_forms_of_an_input_are_branches() -> None:
    description = InputDescription("where", {"oneOf": [LINE, POINT]})
    value = Value({"type": "Point", "coordinates": [1, "b"]})
    (fault,) = InputValidator(description).faults(value, "/inputs/where")
    assert fault.pointer == "/inputs/where/coordinates/1"
    assert fault.detail.startswith('"b" is not of type "number"')


def test_what_fits_two_branches_of_one_of_is_told_as_before() -> None:
    (fault,) = Shape({"oneOf": [{"type": "string"}, {"minLength": 1}]}).faults("x")
    assert "more than one" in fault.detail
