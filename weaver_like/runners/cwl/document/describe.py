"""A tool of CWL -> the description of a process.

Source: CWL v1.2, CommandLineTool.html and Workflow.html, sections "inputs" and "outputs"; OGC 18-062r2,
ogc-process-description.
"""

from typing import Any, TypeAlias

from cwltool.process import Process, shortname

from weaver_like.domain.formats import OCTETS, file_schema
from weaver_like.domain.process import InputDescription, OutputDescription
from weaver_like.runners.cwl.document.formats import formats_of, media_type_of_format
from weaver_like.runners.cwl.document.parse import plain
from weaver_like.runners.cwl.types import CwlType, Document, is_optional, items_of, occurrence_of, options_of

JsonSchema: TypeAlias = dict[str, Any]

_INT, _LONG = 2**31, 2**63
_PLAIN: dict[str, JsonSchema] = {
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "null": {"enum": [None], "nullable": True},
    "Any": {},
    "int": {"type": "integer", "format": "int32", "minimum": -_INT, "maximum": _INT - 1},
    "long": {"type": "integer", "format": "int64", "minimum": -_LONG, "maximum": _LONG - 1},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
}
_NAME: JsonSchema = {"type": "string"}
_PLACE: JsonSchema = {"type": "string", "format": "uri-reference"}
#: CWL's own objects, for what has no simpler form: companions, files in records.
FILE: JsonSchema = {
    "type": "object",
    "title": "File of CWL",
    "required": ["class"],
    "properties": {
        "class": {"enum": ["File"]},
        "location": _PLACE,
        "basename": _NAME,
        "contents": {"type": "string"},
        "format": _NAME,
        "secondaryFiles": {"type": "array", "items": {"type": "object"}},
    },
}
DIRECTORY: JsonSchema = {
    "type": "object",
    "title": "Directory of CWL",
    "required": ["class"],
    "properties": {
        "class": {"enum": ["Directory"]},
        "location": _PLACE,
        "basename": _NAME,
        "listing": {"type": "array", "items": {"type": "object"}},
    },
}
#: Of folders; outputs come as the first two.
_ARCHIVES = ("application/zip", "application/x-tar", "application/gzip")


def describe_inputs(tool: Process) -> dict[str, InputDescription]:
    """The inputs of a process by id, in the order in which cwltool keeps them."""
    return {shortname(port["id"]): _input(port) for port in tool.tool["inputs"]}


def describe_outputs(tool: Process) -> dict[str, OutputDescription]:
    """The outputs of a process by id, likewise."""
    return {shortname(port["id"]): _output(port) for port in tool.tool["outputs"]}


def _input(port: Document) -> InputDescription:
    kind = _unwrapped(port["type"])
    occurrence = occurrence_of(kind)
    several = occurrence is not None
    schema = _one_occurrence(kind if occurrence is None else occurrence, port)
    has_default = "default" in port
    if has_default and not _holds_file(port["default"]):
        schema |= _default(port["default"], several)
    optional = is_optional(kind) or has_default
    return InputDescription(
        shortname(port["id"]),
        schema,
        port.get("label"),
        text_of(port.get("doc")),
        min_occurs=0 if optional else 1,
        max_occurs=None if several else 1,
        may_be_empty=several and not optional,
    )


def _output(port: Document) -> OutputDescription:
    forms = [form for option in options_of(_unwrapped(port["type"])) for form in _output_forms(option, port)]
    schema = forms[0] if len(forms) == 1 else {"oneOf": forms}
    return OutputDescription(shortname(port["id"]), schema, port.get("label"), text_of(port.get("doc")))


def _one_occurrence(kind: CwlType, port: Document) -> JsonSchema:
    """Of an input: files have media types there."""
    forms = [form for option in options_of(_unwrapped(kind)) for form in _input_forms(option, port)]
    return _one_of("oneOf", forms, is_optional(kind))


def _input_forms(option: CwlType, port: Document) -> list[JsonSchema]:
    kind = _unwrapped(option)
    if kind == "File":
        return [*_file_schemas(port), FILE]
    if kind == "Directory":
        return [DIRECTORY, *(file_schema(archive) for archive in _ARCHIVES)]
    return [_schema(kind)]


def _output_forms(option: CwlType, port: Document) -> list[JsonSchema]:
    kind = _unwrapped(option)
    has_companions = bool(port.get("secondaryFiles"))
    if kind == "File":
        return [FILE] if has_companions else _file_schemas(port)
    if kind == "Directory":
        return [DIRECTORY | {"contentMediaType": "application/json"}, *(file_schema(one) for one in _ARCHIVES[:2])]
    items = items_of(kind)
    if items is not None and _unwrapped(items) == "File" and not has_companions:
        return [{"type": "array", "items": _one_of("oneOf", _file_schemas(port), False)}]
    return [_schema(kind)]


def _schema(option: CwlType) -> JsonSchema:
    """The schema of a value inside of another."""
    kind = _unwrapped(option)
    if isinstance(kind, list):
        return _one_of("anyOf", [_schema(part) for part in kind if part != "null"], "null" in kind)
    if isinstance(kind, str):
        return {"File": FILE, "Directory": DIRECTORY}.get(kind) or _PLAIN.get(kind, {})
    if kind["type"] == "array":
        return {"type": "array", "items": _schema(kind["items"])}
    if kind["type"] == "enum":
        return {"type": "string", "enum": [shortname(symbol) for symbol in kind["symbols"]]}
    if kind["type"] == "record":
        return _record(kind)
    return _schema(kind["type"])


def _record(kind: Document) -> JsonSchema:
    fields = {shortname(entry["name"]): entry for entry in kind.get("fields", ())}
    required = [name for name, entry in fields.items() if not is_optional(entry["type"]) and "default" not in entry]
    schema: JsonSchema = {
        "type": "object",
        "properties": {name: _schema(entry["type"]) for name, entry in fields.items()},
    }
    if required:
        schema["required"] = required
    return schema


def _unwrapped(kind: CwlType) -> CwlType:
    """`{type: {...}}` is what it holds."""
    if isinstance(kind, dict) and isinstance(kind.get("type"), dict):
        return _unwrapped(kind["type"])
    if isinstance(kind, dict) and kind.get("type") in _PLAIN:
        return str(kind["type"])
    return kind


def _default(value: object, several: bool) -> JsonSchema:
    """The default as clients look for it: of an input that may occur several times the list of all occurrences.

    A description has no other place for that (docs/packages.rst).
    """
    if several and not isinstance(value, list):
        return {} if value is None else {"default": [plain(value)]}
    return {"default": plain(value)}


def _one_of(word: str, forms: list[JsonSchema], optional: bool) -> JsonSchema:
    """Null is spelt as OpenAPI 3.0 does; whatever may be anything may be null.

    Source: OGC 18-062r2, schema.yaml, which has no type `null`.
    """
    forms = forms or [_PLAIN["null"]]
    schema: JsonSchema = dict(forms[0]) if len(forms) == 1 else {word: forms}
    if optional and schema:
        schema["nullable"] = True
    return schema


def text_of(doc: str | list[str] | None) -> str | None:
    """`doc` may be written in several parts."""
    return "\n".join(doc) if isinstance(doc, list) else doc


def _file_schemas(port: Document) -> list[JsonSchema]:
    """One for each format that the port declares; formats that are expressions are only known when the tool runs."""
    schemas = [_schema_of_format(uri) for uri in formats_of(port)] or [file_schema(OCTETS)]
    return [schema for number, schema in enumerate(schemas) if schema not in schemas[:number]]


def _schema_of_format(uri: str) -> JsonSchema:
    """A format without a media type is bytes to everybody who does not know it by its own name."""
    media_type = media_type_of_format(uri)
    return file_schema(media_type) if media_type else file_schema(OCTETS) | {"contentSchema": uri}


def _holds_file(value: object) -> bool:
    if isinstance(value, dict):
        return value.get("class") in ("File", "Directory") or any(map(_holds_file, value.values()))
    return isinstance(value, list) and any(map(_holds_file, value))
