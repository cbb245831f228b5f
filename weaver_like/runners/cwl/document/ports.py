"""The description of a process -> types of CWL, for a step that runs it.

The other way round: `describe.py`.
"""

from typing import Any

from weaver_like.domain.process import InputDescription, OutputDescription
from weaver_like.runners.cwl.types import CwlType, Document
from weaver_like.schemas.jsontext import JsonObject

_INTEGERS: dict[object, list[str]] = {"int32": ["int"], "int64": ["long"]}
_NUMBERS: dict[object, list[str]] = {"float": ["float"], "double": ["double"]}


def input_port(described: InputDescription) -> Document:
    """An input as a tool has it. Several occurrences are an array; one alone may stand for it."""
    kinds: list[CwlType] = list(_kinds(described.schema, widening=True))
    if described.repeatable:
        kinds = [*kinds, {"type": "array", "items": _union(kinds)}]
    if described.min_occurs == 0:
        kinds = ["null", *kinds]
    return {"id": described.id, "type": _union(kinds)}


def output_port(described: OutputDescription) -> Document:
    """An output as a tool has it. A folder comes as such, unless an archive of it is asked for, which no step does."""
    kinds: list[CwlType] = list(_kinds(described.schema, widening=False))
    if "Directory" in kinds:
        kinds = [kind for kind in kinds if kind != "File"]
    return {"id": described.id, "type": _union(kinds)}


def _kinds(schema: object, widening: bool) -> list[CwlType]:
    """Each type that a value may have. widening: whole numbers count as numbers, for inputs."""
    if not isinstance(schema, dict):
        return ["Any"]
    forms = _forms(schema)
    if not forms:
        return _kinds_of_form(schema, widening)
    kinds: list[CwlType] = []
    for form in forms:
        kinds += _kinds(form, widening)
    return kinds


def _forms(schema: JsonObject) -> list[object]:
    """Of a schema that allows several; of all others none."""
    if isinstance(schema.get("type"), list):
        return [schema | {"type": kind} for kind in schema["type"]]
    forms = schema.get("oneOf") or schema.get("anyOf") or []
    rest = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
    return [rest | form if isinstance(form, dict) else form for form in forms]


def _kinds_of_form(form: JsonObject, widening: bool) -> list[CwlType]:
    own = _class_of(form)
    kinds: list[CwlType] = ["Any"]
    if own:
        kinds = [own]
    elif form.get("contentMediaType") or form.get("contentEncoding") or form.get("format") in ("byte", "binary"):
        kinds = ["File"]
    elif form.get("type") == "array":
        kinds = [{"type": "array", "items": _union(_kinds(form.get("items") or {}, widening))}]
    elif _is_symbol(form):
        kinds = ["string"]
    elif form.get("type") in ("string", "boolean", "null"):
        kinds = [form["type"]]
    elif form.get("type") in ("integer", "number"):
        kinds = list(_number_kinds(form, widening))
    return kinds if not form.get("nullable") else ["null", *kinds]


def _number_kinds(form: JsonObject, widening: bool) -> list[str]:
    integers, numbers = ["int", "long"], ["float", "double"]
    if form["type"] == "integer":
        return integers if widening else _INTEGERS.get(form.get("format"), integers)
    return [*integers, *numbers] if widening else _NUMBERS.get(form.get("format"), numbers)


def _class_of(form: JsonObject) -> str | None:
    """File or Directory, of a schema of CWL's own objects."""
    named = (form.get("properties") or {}).get("class")
    symbols: Any = named.get("enum") if isinstance(named, dict) else None
    return symbols[0] if symbols in (["File"], ["Directory"]) else None


def _is_symbol(form: JsonObject) -> bool:
    symbols = form.get("enum")
    return bool(symbols) and all(isinstance(symbol, str) for symbol in symbols or ())


def _union(given: list[CwlType]) -> CwlType:
    """Each type once. What may be anything is `Any`, which takes no null."""
    kinds = [kind for number, kind in enumerate(given) if kind not in given[:number]]
    if "Any" in kinds:
        kinds = ["null", "Any"] if "null" in kinds else ["Any"]
    return kinds[0] if len(kinds) == 1 else kinds
