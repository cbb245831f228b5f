"""The execute request: JSON <-> `Execution`."""

from dataclasses import replace
from datetime import datetime

from weaver_like.domain.errors import Fault, InvalidInput, UnsupportedMediaType
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.masks import mask
from weaver_like.domain.process import InputDescription, Process
from weaver_like.domain.values import Item, Occurrences, Reference, Value
from weaver_like.schemas.jsontext import check_depth, loads
from weaver_like.schemas.shape import Shape, to_pointer
from weaver_like.schemas.validators import accepts_array

_FORMAT = {
    "type": "object",
    "properties": {
        "mediaType": {"type": "string"},
        "encoding": {"type": "string"},
        "schema": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    },
}
_TRANSMISSION = {"type": "string", "enum": ["value", "reference"]}
_OUTPUT = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "format": _FORMAT,
        "transmissionMode": _TRANSMISSION,
        "mediaType": {"type": "string"},
        "encoding": {"type": "string"},
        "schema": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    },
}
SUBSCRIBER_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        name: {"type": "string", "format": "uri", "maxLength": 2000}
        for name in ("successUri", "inProgressUri", "failedUri")
    },
}

#: Source: OGC 18-062r2, execute.yaml; the 2.0 draft drops `response` and `transmissionMode`. The list form of inputs and
#: outputs, `mode`, `process`, `title` and `priority` are understood for older clients and chains; `reuse` is ours (docs/steps.rst).
EXECUTE_SCHEMA: dict = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "inputs": {
            "anyOf": [
                {"type": "object"},
                {
                    "type": "array",
                    "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
                },
            ]
        },
        "outputs": {
            "anyOf": [
                {"type": "object", "additionalProperties": _OUTPUT},
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["id"],
                        "properties": {"id": {"type": "string"}, "transmissionMode": _TRANSMISSION, "format": _FORMAT},
                    },
                },
            ]
        },
        "response": {"type": "string", "enum": ["raw", "document"]},
        "subscriber": SUBSCRIBER_SCHEMA,
        "mode": {"type": "string", "enum": ["sync", "async", "auto"]},
        "priority": {"type": "integer", "minimum": 0, "maximum": 127},
        "title": {"type": "string", "maxLength": 200},
        "process": {"type": "string"},
        "reuse": {"type": "boolean"},
        "$schema": {"type": "string"},
    },
}
_SHAPE = Shape(EXECUTE_SCHEMA)


def read_body(body: bytes, content_type: str) -> object:
    """JSON of a request body; a missing content type counts as JSON.

    Raises: UnsupportedMediaType; InvalidInput with line and column if it is not JSON.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if content_type and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"Content-Type '{kind[:100]}' was got; application/json is wanted.")
    try:
        value = loads(body)
        check_depth(body, value)
        return value
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.", faults=[Fault("", str(error))]) from error


def parse_execute(document: object, process: Process) -> Execution:
    """Read an execute request for `process`; its description decides what is one value and what are several.

    Raises: InvalidInput with every fault of the shape.
    """
    faults = _SHAPE.faults(document)
    if faults:
        raise InvalidInput(describe_faults("The execute request", faults), faults=faults)
    body: dict = document  # type: ignore[assignment]
    outputs = body.get("outputs")
    return Execution(
        inputs=_parse_inputs(body.get("inputs", {}), process),
        outputs=None if outputs is None else _parse_outputs(outputs),
        response=ResponseForm(body["response"]) if "response" in body else None,
        subscriber=_parse_subscriber(body.get("subscriber")),
        priority=body.get("priority"),
        mode=body.get("mode"),
        title=body.get("title"),
        reuse=body.get("reuse", False),
    )


def describe_faults(what: str, faults: list[Fault]) -> str:
    """One sentence that names the first faults, for readers of `detail`."""
    shown = "; ".join(f"{fault.pointer or '/'}: {fault.detail.rstrip('.')}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return f"{what} is not valid: {shown}{more}."


def _parse_inputs(given: dict | list, process: Process) -> dict[str, Occurrences]:
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
        items.append(_parse_item(rest))
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
        return Occurrences((_parse_item(raw),), (pointer,))
    return Occurrences(
        tuple(_parse_item(part) for part in raw), tuple(f"{pointer}/{number}" for number in range(len(raw)))
    )


def _is_wrapped(raw: object) -> bool:
    return isinstance(raw, dict) and (isinstance(raw.get("href"), str) or "value" in raw)


def _parse_item(raw: object) -> Item:
    """A link, a qualified value, or the value itself. `format` may be nested, as before 1.0, or flat."""
    if not isinstance(raw, dict):
        return Value(raw)
    if isinstance(raw.get("href"), str):
        return Reference(
            raw["href"], _parse_format(raw), raw.get("title") if isinstance(raw.get("title"), str) else None
        )
    if "value" in raw and raw.keys() <= {"value", "format", "mediaType", "encoding", "schema", "type", "mimeType"}:
        return Value(raw["value"], _parse_format(raw), qualified=True)
    return Value(raw)


def _parse_format(raw: dict) -> Format:
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


def _parse_outputs(given: dict | list) -> dict[str, OutputRequest]:
    entries = given.items() if isinstance(given, dict) else ((entry["id"], entry) for entry in given)
    return {
        name: OutputRequest(
            Transmission(entry["transmissionMode"]) if "transmissionMode" in entry else None, _parse_format(entry)
        )
        for name, entry in entries
    }


def _parse_subscriber(given: dict | None) -> Subscriber | None:
    if not given:
        return None
    return Subscriber(given.get("successUri"), given.get("inProgressUri"), given.get("failedUri"))


def render_execution(execution: Execution) -> dict:
    """The mapping form, as it is stored; `parse_stored` reads it back, equal."""
    document: dict = {
        "inputs": {name: [render_item(item) for item in given.items] for name, given in execution.inputs.items()}
    }
    if execution.outputs is not None:
        document["outputs"] = render_outputs(execution)
    if execution.subscriber:
        document["subscriber"] = [
            execution.subscriber.success_uri,
            execution.subscriber.in_progress_uri,
            execution.subscriber.failed_uri,
        ]
    plain = {
        "response": execution.response,
        "priority": execution.priority,
        "mode": execution.mode,
        "title": execution.title,
        "return": execution.return_preference,
        "version": execution.version,
        "deployed": execution.deployed and execution.deployed.isoformat(),
        "reuse": execution.reuse or None,
    }
    return document | {key: value for key, value in plain.items() if value is not None}


def render_outputs(execution: Execution) -> dict:
    return {
        name: ({"transmissionMode": str(wanted.transmission)} if wanted.transmission else {})
        | ({"format": render_format(wanted.format)} if wanted.format != Format() else {})
        for name, wanted in (execution.outputs or {}).items()
    }


def render_inputs(execution: Execution, process: Process | None) -> dict:
    """The inputs as a client would send them: a single occurrence of an input that occurs once stands alone."""
    document: dict = {}
    for name, given in execution.inputs.items():
        rendered = [render_item(item) for item in given.items]
        description = process.inputs.get(name) if process else None
        repeatable = description.repeatable if description else len(rendered) != 1
        document[name] = rendered if repeatable else rendered[0]
    return document


def masked(execution: Execution) -> Execution:
    """The same without passwords and keys in its references: whoever knows a job may see its inputs."""
    inputs = {
        name: replace(
            given,
            items=tuple(
                replace(item, href=mask(item.href)) if isinstance(item, Reference) else item for item in given.items
            ),
        )
        for name, given in execution.inputs.items()
    }
    return replace(execution, inputs=inputs)


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


def parse_stored(document: dict) -> Execution:
    """Read what `render_execution` wrote."""
    outputs, subscriber = document.get("outputs"), document.get("subscriber")
    inputs = {}
    for name, rendered in document["inputs"].items():
        items = tuple(_parse_item(raw) for raw in rendered)
        inputs[name] = Occurrences(items, tuple("/inputs" + to_pointer([name]) for _ in items))
    return Execution(
        inputs=inputs,
        outputs=None if outputs is None else _parse_outputs(outputs),
        response=ResponseForm(document["response"]) if "response" in document else None,
        subscriber=Subscriber(*subscriber) if subscriber else None,
        priority=document.get("priority"),
        mode=document.get("mode"),
        title=document.get("title"),
        return_preference=document.get("return"),
        version=document.get("version"),
        reuse=document.get("reuse", False),
        deployed=datetime.fromisoformat(document["deployed"]) if "deployed" in document else None,
    )
