"""Values of inputs: JSON <-> domain."""

from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import Format
from weaver_like.domain.process import InputDescription, Process
from weaver_like.domain.values import Item, Occurrences, Reference, Value
from weaver_like.schemas.shape import to_pointer
from weaver_like.schemas.validators import accepts_array


def parse_inputs(given: dict | list, process: Process) -> dict[str, Occurrences]:
    if isinstance(given, list):
        return _parse_list_form(given)
    return {
        name: _parse_occurrences(raw, process.inputs.get(name), "/inputs" + to_pointer([name]))
        for name, raw in given.items()
    }


def _parse_list_form(entries: list[dict]) -> dict[str, Occurrences]:
    """`[{"id": "a", "value" | "data" | "href": ...}]`: an id that comes again is a further occurrence."""
    found: dict[str, tuple[list[Item], list[str]]] = {}
    for position, entry in enumerate(entries):
        items, pointers = found.setdefault(entry["id"], ([], []))
        rest = {("value" if key == "data" else key): value for key, value in entry.items() if key != "id"}
        items.append(parse_item(rest))
        pointers.append(f"/inputs/{position}")
    return {name: Occurrences(tuple(items), tuple(pointers)) for name, (items, pointers) in found.items()}


def _parse_occurrences(raw: object, description: InputDescription | None, pointer: str) -> Occurrences:
    """A JSON array is several occurrences if the input may occur several times, one value if its schema is an array.

    Source: /req/core/process-execute-input-array.
    """
    several = isinstance(raw, list) and description is not None and description.repeatable
    if several and accepts_array(description.schema):
        several = all(isinstance(part, list) or _is_wrapped(part) for part in raw)
    if not several:
        return Occurrences((parse_item(raw),), (pointer,))
    return Occurrences(
        tuple(parse_item(part) for part in raw), tuple(f"{pointer}/{number}" for number in range(len(raw)))
    )


def _is_wrapped(raw: object) -> bool:
    return isinstance(raw, dict) and (isinstance(raw.get("href"), str) or "value" in raw)


def parse_item(raw: object) -> Item:
    """A link, a qualified value, or the value itself. `format` may be nested, as before 1.0, or flat."""
    if not isinstance(raw, dict):
        return Value(raw)
    if isinstance(raw.get("href"), str):
        return Reference(
            raw["href"], parse_format(raw), raw.get("title") if isinstance(raw.get("title"), str) else None
        )
    if "value" in raw and raw.keys() <= {"value", "format", "mediaType", "encoding", "schema", "type", "mimeType"}:
        return Value(raw["value"], parse_format(raw), qualified=True)
    return Value(raw)


def parse_format(raw: dict) -> Format:
    nested = raw.get("format") if isinstance(raw.get("format"), dict) else {}
    media_type = (
        _text(raw, "mediaType")
        or _text(raw, "type")
        or _text(raw, "mimeType")
        or _text(nested, "mediaType")
        or _text(nested, "mimeType")
    )
    return Format(
        media_type, _text(raw, "encoding") or _text(nested, "encoding"), raw.get("schema", nested.get("schema"))
    )


def _text(raw: dict, key: str) -> str | None:
    value = raw.get(key)
    return value if isinstance(value, str) else None


def render_inputs(execution: Execution, process: Process | None) -> dict:
    """The inputs as a client would send them: a single occurrence of an input that occurs once stands alone."""
    document: dict = {}
    for name, given in execution.inputs.items():
        rendered = [render_item(item) for item in given.items]
        description = process.inputs.get(name) if process else None
        repeatable = description.repeatable if description else len(rendered) != 1
        document[name] = rendered if repeatable else rendered[0]
    return document


def render_item(item: Item) -> object:
    if isinstance(item, Reference):
        titled = {"title": item.title} if item.title else {}
        kind = render_format(item.format)
        return {"href": item.href, **({"type": kind.pop("mediaType")} if "mediaType" in kind else {}), **kind, **titled}
    if item.qualified or (isinstance(item.data, dict) and ("value" in item.data or "href" in item.data)):
        return {"value": item.data, **render_format(item.format)}
    return item.data


def render_format(form: Format) -> dict:
    given = {"mediaType": form.media_type, "encoding": form.encoding, "schema": form.schema}
    return {key: value for key, value in given.items() if value is not None}
