"""A tool of CWL -> the description of a process.

Source: CWL v1.2, CommandLineTool.html and Workflow.html, sections "inputs" and "outputs"; OGC 18-062r2,
ogc-process-description.
"""

from typing import Any, TypeAlias

from cwltool.process import Process, shortname

from weaver_like.domain.formats import OCTETS, file_schema
from weaver_like.domain.process import InputDescription, OutputDescription
from weaver_like.runners.cwl.document.formats import media_type_of_format
from weaver_like.runners.cwl.types import CwlType, Document, is_optional, items_of, options_of

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


class Describer:
    """Describes one tool, whose named types it knows."""

    def __init__(self, tool: Process):
        self._tool = tool

    def inputs(self) -> dict[str, InputDescription]:
        return {shortname(port["id"]): self._input(port) for port in self._tool.tool["inputs"]}

    def outputs(self) -> dict[str, OutputDescription]:
        return {shortname(port["id"]): self._output(port) for port in self._tool.tool["outputs"]}

    def _input(self, port: Document) -> InputDescription:
        kind = self._named(port["type"])
        items = items_of(kind)
        several = items is not None
        occurrence = kind if items is None else items
        schema = self._one_occurrence(occurrence, port)
        has_default = "default" in port
        if has_default and not several and not _holds_file(port["default"]):
            schema = schema | {"default": port["default"]}
        min_occurs = 0 if is_optional(kind) or has_default or several else 1
        max_occurs = None if several else 1
        return InputDescription(
            shortname(port["id"]),
            schema,
            port.get("label"),
            text_of(port.get("doc")),
            min_occurs=min_occurs,
            max_occurs=max_occurs,
        )

    def _output(self, port: Document) -> OutputDescription:
        forms = [form for option in options_of(self._named(port["type"])) for form in self._output_forms(option, port)]
        schema = forms[0] if len(forms) == 1 else {"oneOf": forms}
        return OutputDescription(shortname(port["id"]), schema, port.get("label"), text_of(port.get("doc")))

    def _one_occurrence(self, kind: CwlType, port: Document) -> JsonSchema:
        """Of an input: files have media types there."""
        forms = [form for option in options_of(self._named(kind)) for form in self._input_forms(option, port)]
        return _one_of("oneOf", forms, is_optional(kind))

    def _input_forms(self, option: CwlType, port: Document) -> list[JsonSchema]:
        kind = self._named(option)
        if kind == "File":
            return [*_file_schemas(port), FILE]
        if kind == "Directory":
            return [DIRECTORY, *(file_schema(archive) for archive in _ARCHIVES)]
        return [self._schema(kind)]

    def _output_forms(self, option: CwlType, port: Document) -> list[JsonSchema]:
        kind = self._named(option)
        has_companions = bool(port.get("secondaryFiles"))
        if kind == "File":
            return [FILE] if has_companions else _file_schemas(port)
        if kind == "Directory":
            return [DIRECTORY | {"contentMediaType": "application/json"}, *(file_schema(one) for one in _ARCHIVES[:2])]
        items = items_of(kind)
        if items is not None and self._named(items) == "File" and not has_companions:
            return [{"type": "array", "items": _file_schemas(port)[0]}]
        return [self._schema(kind)]

    def _schema(self, option: CwlType) -> JsonSchema:
        """The schema of a value inside of another."""
        kind = self._named(option)
        if isinstance(kind, list):
            return _one_of("anyOf", [self._schema(part) for part in kind if part != "null"], "null" in kind)
        if isinstance(kind, str):
            return {"File": FILE, "Directory": DIRECTORY}.get(kind) or _PLAIN.get(kind, {})
        if kind["type"] == "array":
            return {"type": "array", "items": self._schema(kind["items"])}
        if kind["type"] == "enum":
            return {"type": "string", "enum": [shortname(symbol) for symbol in kind["symbols"]]}
        if kind["type"] == "record":
            return self._record(kind)
        return self._schema(kind["type"])

    def _record(self, kind: Document) -> JsonSchema:
        fields = {shortname(entry["name"]): entry for entry in kind.get("fields", ())}
        required = [name for name, entry in fields.items() if not is_optional(entry["type"]) and "default" not in entry]
        schema: JsonSchema = {
            "type": "object",
            "properties": {name: self._schema(entry["type"]) for name, entry in fields.items()},
        }
        if required:
            schema["required"] = required
        return schema

    def _named(self, kind: CwlType) -> CwlType:
        """What a name of SchemaDefRequirement stands for; `{type: {...}}` is what it holds."""
        if isinstance(kind, str) and kind not in _PLAIN and kind in self._tool.schemaDefs:
            return dict(self._tool.schemaDefs[kind])
        if isinstance(kind, dict) and isinstance(kind.get("type"), dict):
            return self._named(kind["type"])
        if isinstance(kind, dict) and kind.get("type") in _PLAIN:
            return str(kind["type"])
        return kind


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
    declared = port.get("format") or []
    formats = declared if isinstance(declared, list) else [declared]
    found = (media_type_of_format(one) for one in formats if "$(" not in one)
    media_types = list(dict.fromkeys(media_type for media_type in found if media_type))
    return [file_schema(media_type) for media_type in media_types or [OCTETS]]


def _holds_file(value: object) -> bool:
    if isinstance(value, dict):
        return value.get("class") in ("File", "Directory") or any(map(_holds_file, value.values()))
    return isinstance(value, list) and any(map(_holds_file, value))
