"""Python types -> JSON Schema, in the spelling of OpenAPI 3.0 that process descriptions use."""

import datetime
import enum
import pathlib
import typing
from collections.abc import Sequence
from typing import Any

from weaver_like.authoring.types import BoundingBox, File
from weaver_like.domain.formats import OCTETS, file_schema

BBOX_REFERENCE = "http://schemas.opengis.net/ogcapi/processes/part1/1.0/openapi/schemas/bbox.yaml"
_PLAIN: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array", "items": {}},
    Any: {},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
}


def schema_of(kind: object, media_types: Sequence[str] = ()) -> dict[str, Any]:
    """Schema of one value of a type. Raises: TypeError, if there is none."""
    if kind in (File, pathlib.Path):
        return _file_schema(media_types or (OCTETS,))
    if kind is BoundingBox:
        return {"allOf": [{"format": "ogc-bbox"}, {"$ref": BBOX_REFERENCE}]}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_schema([member.value for member in kind])
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return _enum_schema(list(arguments))
    if origin in (list, tuple, Sequence):
        if arguments and arguments[0] in (File, pathlib.Path):
            return schema_of(arguments[0], media_types)
        return {"type": "array", "items": schema_of(arguments[0]) if arguments else {}}
    if origin is dict:
        return {"type": "object"}
    if isinstance(kind, type) and kind in _PLAIN:
        return _media(dict(_PLAIN[kind]), media_types)
    raise TypeError(
        f"There is no schema for the type {kind!r}; use Input(schema=...) or a type that docs/processes.rst lists."
    )


def _media(schema: dict[str, Any], media_types: Sequence[str]) -> dict[str, Any]:
    return schema | {"contentMediaType": media_types[0]} if media_types else schema


def _enum_schema(values: list[object]) -> dict[str, Any]:
    kinds = {type(value) for value in values}
    kind = _PLAIN.get(kinds.pop(), {}) if len(kinds) == 1 else {}
    return {**kind, "enum": values}


def _file_schema(media_types: Sequence[str]) -> dict[str, Any]:
    forms = [file_schema(media_type) for media_type in media_types]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def plain_default(value: object) -> object:
    """The default of a parameter as JSON."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, BoundingBox):
        return value.to_json()
    return value
