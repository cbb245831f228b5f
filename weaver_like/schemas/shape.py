"""Checking a JSON document against a JSON Schema, all errors at once, each with a JSON pointer."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from itertools import islice
from typing import Any

import jsonschema_rs

from weaver_like.domain.errors import Fault
from weaver_like.schemas.branches import explained

#: More than these say nothing new to a reader.
MAX_FAULTS = 50

_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII)


def _is_date_time(text: str) -> bool:
    """RFC 3339, as far as Python has such moments: no year 0, no leap second."""
    try:
        return bool(_DATE_TIME.match(text)) and bool(datetime.fromisoformat(text.upper()))
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        return len(text) == len("2000-01-01") and bool(date.fromisoformat(text))
    except ValueError:
        return False


_FORMATS = {"date-time": _is_date_time, "date": _is_date}


class Shape:
    """A compiled JSON Schema (2020-12; the OpenAPI 3.0 spelling of `nullable` and exclusive bounds is understood)."""

    def __init__(self, schema: dict[str, Any]):
        self.schema = schema
        self._validator = jsonschema_rs.Draft202012Validator(to_2020(schema), validate_formats=True, formats=_FORMATS)

    def faults(self, value: object, pointer: str = "") -> list[Fault]:
        """Every fault of `value`, at most `MAX_FAULTS`; `pointer` is where the value stands in the request."""
        if self._validator.is_valid(value):
            return []
        try:
            errors = self._validator.iter_errors(value)
            found = ((place, detail) for error in errors for place, detail in explained(error))
            return [Fault(pointer + to_pointer(place), readable(detail)) for place, detail in islice(found, MAX_FAULTS)]
        except ValueError as error:  # nested deeper than the validator goes
            return [Fault(pointer, f"the value cannot be checked: {error}")]


def to_pointer(path: Iterable[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def readable(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:150]} ... {message[-140:]}"


def to_2020(schema: Any) -> Any:
    """The same schema in the spelling of JSON Schema 2020-12; `$ref` to other documents are dropped unless known.

    Nothing is fetched: a description must not make the server call anybody.
    """
    if isinstance(schema, list):
        return [to_2020(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        return known_reference(reference)
    result = {
        key: _convert(key, value)
        for key, value in schema.items()
        if key not in ("nullable", "contentEncoding", "contentMediaType", "contentSchema")
    }
    for key, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(result.get(key), bool):
            exclusive = result.pop(key)
            if exclusive and bound in result:
                result[key] = result.pop(bound)
    if not schema.get("nullable"):
        return result
    if isinstance(result.get("type"), str) and not result.keys() & {"enum", "const", "allOf", "oneOf", "anyOf", "$ref"}:
        return result | {"type": [result["type"], "null"]}
    return {"anyOf": [{"type": "null"}, result]}


def _convert(key: str, value: object) -> object:
    if key in ("enum", "const", "default", "example", "examples", "required"):
        return value
    if key in ("properties", "patternProperties", "$defs", "definitions") and isinstance(value, dict):
        return {name: to_2020(part) for name, part in value.items()}
    return to_2020(value)


BBOX_SCHEMA = {
    "type": "object",
    "required": ["bbox"],
    "properties": {
        "bbox": {
            "type": "array",
            "items": {"type": "number"},
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        },
        "crs": {"type": "string", "format": "uri"},
    },
}


def known_reference(uri: str) -> dict[str, Any]:
    """The schema that a `$ref` of a process description to a well-known document refers to."""
    if uri.rstrip("/").rpartition("/")[2].startswith("bbox."):
        return BBOX_SCHEMA
    return {}


def describe_faults(what: str, faults: list[Fault]) -> str:
    """One sentence that names the first faults, for readers of `detail`."""
    shown = "; ".join(f"{fault.pointer or '/'}: {fault.detail.rstrip('.')}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return f"{what} is not valid: {shown}{more}."
