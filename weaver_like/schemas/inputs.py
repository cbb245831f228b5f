"""Values of inputs: JSON <-> domain."""

from dataclasses import replace
from typing import Any

from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import Format
from weaver_like.domain.process import InputDescription, Process
from weaver_like.domain.values import Item, Occurrences, Reference, Value
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.links import check_link, fits_as_it_stands, links_as_files
from weaver_like.schemas.shape import Shape, to_pointer
from weaver_like.schemas.validators import accepts_array

#: An object with "value" and no other members than these is a qualified value; any other object is a value itself.
_QUALIFIED = {"value", "format", "mediaType", "encoding", "schema", "type", "mimeType"}


def parse_inputs(given: JsonObject | list[JsonObject], process: Process) -> dict[str, Occurrences]:
    """Read `inputs` of an execute request: a mapping by id, or (older clients) a list of objects with an `id`."""
    if isinstance(given, list):
        return _parse_list_form(given, process)
    return {
        name: _parse_occurrences(raw, process.inputs.get(name), "/inputs" + to_pointer([name]))
        for name, raw in given.items()
    }


def _parse_list_form(entries: list[JsonObject], process: Process) -> dict[str, Occurrences]:
    """`[{"id": "a", "value" | "data" | "href": ...}]`: an id that comes again is a further occurrence."""
    found: dict[str, tuple[list[Item], list[str]]] = {}
    for position, entry in enumerate(entries):
        items, pointers = found.setdefault(entry["id"], ([], []))
        rest = {("value" if key == "data" else key): value for key, value in entry.items() if key != "id"}
        items.append(parse_item(rest, _schema_of(process.inputs.get(entry["id"])), f"/inputs/{position}"))
        pointers.append(f"/inputs/{position}")
    return {name: Occurrences(tuple(items), tuple(pointers)) for name, (items, pointers) in found.items()}


def _parse_occurrences(raw: object, description: InputDescription | None, pointer: str) -> Occurrences:
    """Read what stands for one input.

    A JSON array is several occurrences if the input may occur several times; if its schema is an array too, only an
    array of arrays, links or qualified values is.
    Source: /req/core/process-execute-input-array.
    """
    if isinstance(raw, list) and description is not None and _is_several(raw, description):
        pointers = tuple(f"{pointer}/{number}" for number in range(len(raw)))
        items = (parse_item(part, description.schema, where) for part, where in zip(raw, pointers, strict=True))
        return Occurrences(tuple(items), pointers)
    item = parse_item(raw, _schema_of(description), pointer)
    if isinstance(item, Value) and description is not None and _holds_several(item, description):
        return Occurrences(tuple(replace(item, data=part) for part in _parts(item)), (pointer,) * len(_parts(item)))
    return Occurrences((item,), (pointer,))


def _schema_of(description: InputDescription | None) -> JsonObject:
    return description.schema if description is not None else {}


def _holds_several(item: Value, description: InputDescription) -> bool:
    """Whether a qualified value is not one occurrence, but the array of all."""
    several = item.qualified and description.repeatable and isinstance(item.data, list)
    return several and bool(Shape(description.schema).faults(item.data))


def _parts(item: Value) -> list[object]:
    return item.data if isinstance(item.data, list) else []


def _is_several(raw: list[object], description: InputDescription) -> bool:
    if not description.repeatable:
        return False
    if accepts_array(description.schema):
        return all(isinstance(part, list) or _is_wrapped(part) for part in raw)
    return True


def _is_wrapped(raw: object) -> bool:
    return isinstance(raw, dict) and (isinstance(raw.get("href"), str) or "value" in raw)


def parse_item(raw: object, schema: JsonObject | None = None, pointer: str = "") -> Item:
    """Read a link, a qualified value, or the value itself. `format` may be nested, as before 1.0, or flat.

    Args:
        schema: of one occurrence. What fits it as it stands is taken as it stands.
    Raises: InvalidInput, for a link that holds what it may not.
    """
    schema = schema or {}
    if not isinstance(raw, dict) or fits_as_it_stands(raw, schema):
        return Value(links_as_files(raw, schema))
    if isinstance(raw.get("href"), str):
        return _parse_link(raw, pointer)
    if "value" in raw and raw.keys() <= _QUALIFIED:
        return Value(links_as_files(raw["value"], schema), parse_format(raw), qualified=True)
    return Value(links_as_files(raw, schema))


def _parse_link(raw: JsonObject, pointer: str) -> Reference:
    headers = raw.get("headers")
    pairs = tuple(headers.items()) if isinstance(headers, dict) else ()
    link = Reference(raw["href"], parse_format(raw), _text(raw, "title"), pairs)
    check_link(link, raw, pointer)
    return link


def parse_format(raw: JsonObject) -> Format:
    """Read the format beside a value; what stands flat goes before what is nested in `format`."""
    nested = raw.get("format")
    if not isinstance(nested, dict):
        nested = {}
    media_type = (
        _text(raw, "mediaType")
        or _text(raw, "type")
        or _text(raw, "mimeType")
        or _text(nested, "mediaType")
        or _text(nested, "mimeType")
    )
    encoding = _text(raw, "encoding") or _text(nested, "encoding")
    return Format(media_type, encoding, raw.get("schema", nested.get("schema")))


def _text(raw: dict[Any, Any], key: str) -> str | None:
    value = raw.get(key)
    return value if isinstance(value, str) else None


def render_inputs(execution: Execution, process: Process | None) -> JsonObject:
    """The inputs as a client would send them: a single occurrence of an input that occurs once stands alone.

    process: says which inputs may occur several times; None if it is no longer offered.
    """
    document: JsonObject = {}
    for name, given in execution.inputs.items():
        rendered = [render_item(item) for item in given.items]
        description = process.inputs.get(name) if process else None
        repeatable = description.repeatable if description else len(rendered) != 1
        document[name] = rendered if repeatable else rendered[0]
    return document


def render_item(item: Item) -> object:
    """One occurrence, as a client would send it; an object that could be misread is qualified."""
    if isinstance(item, Reference):
        return _render_reference(item)
    if item.qualified or (isinstance(item.data, dict) and ("value" in item.data or "href" in item.data)):
        return {"value": item.data, **render_format(item.format)}
    return item.data


def _render_reference(item: Reference) -> JsonObject:
    document: JsonObject = {"href": item.href}
    described = render_format(item.format)
    if "mediaType" in described:
        document["type"] = described.pop("mediaType")
    document |= described
    if item.title:
        document["title"] = item.title
    if item.headers:
        document["headers"] = dict(item.headers)
    return document


def render_format(form: Format) -> JsonObject:
    """Members without a value are left out."""
    given = {"mediaType": form.media_type, "encoding": form.encoding, "schema": form.schema}
    return {key: value for key, value in given.items() if value is not None}
