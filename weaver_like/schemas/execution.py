"""An execution as it is stored, and the parts of it that faces share: JSON <-> domain."""

from datetime import datetime

from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber
from weaver_like.domain.formats import Format
from weaver_like.domain.process import Transmission
from weaver_like.domain.values import Occurrences
from weaver_like.schemas.inputs import parse_format, parse_item, render_format, render_item
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import to_pointer


def parse_outputs(given: JsonObject | list[JsonObject]) -> dict[str, OutputRequest]:
    """Read `outputs` of an execute request: a mapping by id, or (older clients) a list of objects with an `id`."""
    entries = given if isinstance(given, dict) else {entry["id"]: entry for entry in given}
    return {name: _parse_output(entry) for name, entry in entries.items()}


def _parse_output(entry: JsonObject) -> OutputRequest:
    transmission = None
    if "transmissionMode" in entry:
        transmission = Transmission(entry["transmissionMode"])
    return OutputRequest(transmission, parse_format(entry))


def render_outputs(execution: Execution) -> JsonObject:
    """The outputs as a client would ask for them."""
    return {name: _render_output(request) for name, request in (execution.outputs or {}).items()}


def _render_output(request: OutputRequest) -> JsonObject:
    document: JsonObject = {}
    if request.transmission:
        document["transmissionMode"] = str(request.transmission)
    if request.format != Format():
        document["format"] = render_format(request.format)
    return document


def render_execution(execution: Execution) -> JsonObject:
    """An execution as it is stored; `parse_stored` reads it back, equal."""
    inputs = {name: [render_item(item) for item in given.items] for name, given in execution.inputs.items()}
    document: JsonObject = {"inputs": inputs}
    if execution.outputs is not None:
        document["outputs"] = render_outputs(execution)
    subscriber = execution.subscriber
    if subscriber:
        document["subscriber"] = [subscriber.success_uri, subscriber.in_progress_uri, subscriber.failed_uri]
    plain = {
        "response": execution.response,
        "priority": execution.priority,
        "mode": execution.mode,
        "title": execution.title,
        "return": execution.return_preference,
        "version": execution.version,
        "deployed": execution.deployed and execution.deployed.isoformat(),
        "reuse": execution.reuse or None,
        "secrets": list(execution.secrets) or None,
        "awaited": execution.awaited,
    }
    return document | {key: value for key, value in plain.items() if value is not None}


def parse_stored(document: JsonObject) -> Execution:
    """Read what `render_execution` wrote."""
    inputs = {name: _parse_stored_items(name, rendered) for name, rendered in document["inputs"].items()}
    outputs = subscriber = response = deployed = None
    if "outputs" in document:
        outputs = parse_outputs(document["outputs"])
    if "subscriber" in document:
        subscriber = Subscriber(*document["subscriber"])
    if "response" in document:
        response = ResponseForm(document["response"])
    if "deployed" in document:
        deployed = datetime.fromisoformat(document["deployed"])
    return Execution(
        inputs=inputs,
        outputs=outputs,
        response=response,
        subscriber=subscriber,
        priority=document.get("priority"),
        mode=document.get("mode"),
        title=document.get("title"),
        return_preference=document.get("return"),
        version=document.get("version"),
        deployed=deployed,
        reuse=document.get("reuse", False),
        secrets=tuple(document.get("secrets", ())),
        awaited=document.get("awaited"),
    )


def _parse_stored_items(name: str, rendered: list[object]) -> Occurrences:
    pointer = "/inputs" + to_pointer([name])
    return Occurrences(tuple(parse_item(raw) for raw in rendered), (pointer,) * len(rendered))
