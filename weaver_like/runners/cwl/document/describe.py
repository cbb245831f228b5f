"""A tool of CWL -> the description of a process.

Source: CWL v1.2, CommandLineTool.html and Workflow.html, sections "inputs" and "outputs"; OGC 18-062r2, ogc-process-description.
"""

from cwltool.process import Process, shortname

from weaver_like.domain.formats import OCTETS, is_json, is_text
from weaver_like.runners.cwl.data.values import CwlType, bare, is_list, is_optional
from weaver_like.runners.cwl.document.formats import media_type_of_format

_INT, _LONG = 2**31, 2**63
_PLAIN: dict[str, dict] = {
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "null": {"enum": [None], "nullable": True},
    "Any": {},
    "int": {"type": "integer", "format": "int32", "minimum": -_INT, "maximum": _INT - 1},
    "long": {"type": "integer", "format": "int64", "minimum": -_LONG, "maximum": _LONG - 1},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
}
_NAME, _PLACE = {"type": "string"}, {"type": "string", "format": "uri-reference"}
#: CWL's own objects, for what has no simpler form: companions, files in records.
FILE = {
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
DIRECTORY = {
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
_ARCHIVES = ("application/zip", "application/x-tar", "application/gzip")


class Describer:
    """Of one tool, whose named types it knows."""

    def __init__(self, tool: Process):
        self._tool = tool

    def inputs(self) -> dict[str, dict]:
        return {shortname(port["id"]): self._input(port) for port in self._tool.tool["inputs"]}

    def outputs(self) -> dict[str, dict]:
        return {shortname(port["id"]): self._output(port) for port in self._tool.tool["outputs"]}

    def _input(self, port: dict) -> dict:
        kind = self._named(port["type"])
        several = is_list(kind)
        schema = self._top(bare(kind)["items"] if several else kind, port)
        if "default" in port and not _holds_file(port["default"]):
            schema |= {"default": port["default"]} if not several else {}
        may_be_absent = is_optional(kind) or "default" in port or several
        return _head(port) | {
            "schema": schema,
            "min_occurs": 0 if may_be_absent else 1,
            "max_occurs": None if several else 1,
        }

    def _output(self, port: dict) -> dict:
        kind = self._named(port["type"])
        forms = self._forms(bare(kind), port, output=True)
        return _head(port) | {"schema": forms[0] if len(forms) == 1 else {"oneOf": forms}}

    def _top(self, kind: CwlType, port: dict) -> dict:
        """The schema of one occurrence: files have media types there."""
        return _one_of("oneOf", self._forms(bare(self._named(kind)), port, output=False), is_optional(kind))

    def _forms(self, kind: CwlType, port: dict, output: bool) -> list[dict]:
        forms = []
        for option in kind if isinstance(kind, list) else [kind]:
            option = self._named(option)
            if option == "File":
                with_companions = bool(port.get("secondaryFiles"))
                forms += [FILE] if output and with_companions else [*_files(port), *([] if output else [FILE])]
            elif option == "Directory":
                archives = [
                    {"type": "string", "contentEncoding": "binary", "contentMediaType": kind} for kind in _ARCHIVES
                ]
                forms += [
                    DIRECTORY | ({"contentMediaType": "application/json"} if output else {}),
                    *archives[: 2 if output else 3],
                ]
            elif (
                output and is_list(option) and self._named(option["items"]) == "File" and not port.get("secondaryFiles")
            ):
                forms.append({"type": "array", "items": _files(port)[0]})
            else:
                forms.append(self._schema(option))
        return forms

    def _schema(self, kind: CwlType) -> dict:
        """The schema of a value inside of another."""
        kind = self._named(kind)
        if isinstance(kind, list):
            return _one_of("anyOf", [self._schema(option) for option in kind if option != "null"], "null" in kind)
        if isinstance(kind, str):
            return {"File": FILE, "Directory": DIRECTORY}.get(kind) or _PLAIN.get(kind, {})
        if kind["type"] == "array":
            return {"type": "array", "items": self._schema(kind["items"])}
        if kind["type"] == "enum":
            return {"type": "string", "enum": [shortname(symbol) for symbol in kind["symbols"]]}
        if kind["type"] == "record":
            return self._record(kind)
        return self._schema(kind["type"])

    def _record(self, kind: dict) -> dict:
        fields = {shortname(entry["name"]): entry for entry in kind.get("fields", ())}
        required = [name for name, entry in fields.items() if not is_optional(entry["type"]) and "default" not in entry]
        properties = {name: self._schema(entry["type"]) for name, entry in fields.items()}
        return {"type": "object", "properties": properties} | ({"required": required} if required else {})

    def _named(self, kind: CwlType) -> CwlType:
        """What a name of SchemaDefRequirement stands for; `{type: {...}}` is what it holds."""
        if isinstance(kind, str) and kind not in _PLAIN and kind in self._tool.schemaDefs:
            return self._tool.schemaDefs[kind]
        if isinstance(kind, dict) and isinstance(kind.get("type"), dict):
            return self._named(kind["type"])
        if isinstance(kind, dict) and kind.get("type") in _PLAIN:
            return kind["type"]
        return kind


def _one_of(word: str, forms: list[dict], optional: bool) -> dict:
    """Null is spelt as OpenAPI 3.0 does; whatever may be anything may be null. Source: OGC 18-062r2, schema.yaml, which has no type `null`."""
    forms = forms or [_PLAIN["null"]]
    schema = dict(forms[0]) if len(forms) == 1 else {word: forms}
    return schema | {"nullable": True} if optional and schema else schema


def _head(port: dict) -> dict:
    label, text = port.get("label"), port.get("doc")
    return {"title": label, "description": "\n".join(text) if isinstance(text, list) else text}


def _files(port: dict) -> list[dict]:
    formats = port.get("format") or []
    known = [
        media_type_of_format(one) for one in (formats if isinstance(formats, list) else [formats]) if "$(" not in one
    ]
    return [file_schema(media_type) for media_type in dict.fromkeys(filter(None, known))] or [file_schema(OCTETS)]


def file_schema(media_type: str) -> dict:
    """Of a file by its media type: text and JSON may stand in a request as they are, everything else as base64."""
    if is_json(media_type):
        return {"type": "object", "contentMediaType": media_type}
    if is_text(media_type):
        return {"type": "string", "contentMediaType": media_type}
    return {"type": "string", "contentEncoding": "binary", "contentMediaType": media_type}


def _holds_file(value: object) -> bool:
    if isinstance(value, dict):
        return value.get("class") in ("File", "Directory") or any(map(_holds_file, value.values()))
    return isinstance(value, list) and any(map(_holds_file, value))
