"""Outputs that are plain values: the media types in which they may be asked for."""

from typing import Any

from weaver_like.domain.formats import JSON, TEXT

_SIMPLE = {"string", "number", "integer", "boolean"}
#: What a schema says of a value that is, or may be, a file.
_OF_FILES = ("contentMediaType", "contentEncoding", "$ref")
_URIS = ("uri", "uri-reference")


def literal_media_types(schema: dict[str, Any]) -> list[str]:
    """The media types of an output whose values are texts, numbers, booleans or arrays of such; else none.

    The first one is the default.
    """
    kinds = _kinds(schema)
    if not kinds or not kinds <= {*_SIMPLE, "array"}:
        return []
    if "array" in kinds:
        return [JSON]
    return [TEXT, JSON] if kinds == {"string"} else [JSON, TEXT]


def _kinds(schema: dict[str, Any]) -> set[str]:
    """The types of a schema, without null; empty if it may hold other things than plain values."""
    forms = schema.get("oneOf") or schema.get("anyOf")
    if forms:
        found = [_kinds(form) for form in forms]
        return set().union(*found) if all(found) else set()
    if any(key in schema for key in _OF_FILES) or schema.get("format") in _URIS:
        return set()
    if "type" not in schema:
        return {"string" if isinstance(value, str) else "number" for value in schema.get("enum", ())}
    named = schema["type"]
    kinds = {named} if isinstance(named, str) else set(named)
    if "array" in kinds and not literal_media_types(schema.get("items") or {}):
        return set()
    return kinds - {"null"}
