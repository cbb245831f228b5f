"""The execute request: JSON <-> `Execution`."""

from dataclasses import replace
from typing import cast

from weaver_like.domain.errors import Fault, InvalidInput, UnsupportedMediaType
from weaver_like.domain.execution import Execution, ResponseForm, Subscriber
from weaver_like.domain.formats import JSON, essence
from weaver_like.domain.masks import mask
from weaver_like.domain.process import Process
from weaver_like.domain.values import Item, Reference
from weaver_like.schemas.execution import parse_outputs
from weaver_like.schemas.inputs import parse_inputs
from weaver_like.schemas.jsontext import JsonObject, check_depth, loads
from weaver_like.schemas.shape import Shape, describe_faults

_FORMAT_MEMBERS: JsonObject = {
    "mediaType": {"type": "string"},
    "encoding": {"type": "string"},
    "schema": {"anyOf": [{"type": "string"}, {"type": "object"}]},
}
_FORMAT = {"type": "object", "properties": _FORMAT_MEMBERS}
_TRANSMISSION = {"type": "string", "enum": ["value", "reference"]}
_OUTPUT = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"format": _FORMAT, "transmissionMode": _TRANSMISSION, **_FORMAT_MEMBERS},
}
_LISTED_INPUT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
_LISTED_OUTPUT = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "transmissionMode": _TRANSMISSION, "format": _FORMAT},
}
_ADDRESS = {"type": "string", "format": "uri", "maxLength": 2000}
_SUBSCRIBER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"successUri": _ADDRESS, "inProgressUri": _ADDRESS, "failedUri": _ADDRESS},
}

#: The list form of inputs and outputs, `mode`, `process`, `title` and `priority` are for older clients and chains;
#: `reuse` is ours (docs/steps.rst).
#: Source: OGC 18-062r2, execute.yaml; the 2.0 draft drops `response` and `transmissionMode`.
EXECUTE_SCHEMA: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "inputs": {"anyOf": [{"type": "object"}, {"type": "array", "items": _LISTED_INPUT}]},
        "outputs": {
            "anyOf": [
                {"type": "object", "additionalProperties": _OUTPUT},
                {"type": "array", "items": _LISTED_OUTPUT},
            ]
        },
        "response": {"type": "string", "enum": ["raw", "document"]},
        "subscriber": _SUBSCRIBER,
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
    """The JSON of a request body; without a content type it is taken for JSON.

    Raises: UnsupportedMediaType; InvalidInput, with line and column, if it is not JSON.
    """
    kind = essence(content_type)
    if content_type and kind != JSON and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"Expected Content-Type {JSON}, got '{kind[:100]}'.")
    try:
        value = loads(body)
        check_depth(body, value)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.", faults=[Fault("", str(error))]) from error
    return value


def parse_execute(document: object, process: Process) -> Execution:
    """Read an execute request for `process`, whose description tells one value from several.

    Raises: InvalidInput, with every fault of the shape.
    """
    faults = _SHAPE.faults(document)
    if faults:
        raise InvalidInput(describe_faults("The execute request", faults), faults=faults)
    body = cast(JsonObject, document)
    outputs = response = subscriber = None
    if "outputs" in body:
        outputs = parse_outputs(body["outputs"])
    if "response" in body:
        response = ResponseForm(body["response"])
    if body.get("subscriber"):
        subscriber = _parse_subscriber(body["subscriber"])
    return Execution(
        inputs=parse_inputs(body.get("inputs", {}), process),
        outputs=outputs,
        response=response,
        subscriber=subscriber,
        priority=body.get("priority"),
        mode=body.get("mode"),
        title=body.get("title"),
        reuse=body.get("reuse", False),
    )


def _parse_subscriber(given: JsonObject) -> Subscriber:
    return Subscriber(given.get("successUri"), given.get("inProgressUri"), given.get("failedUri"))


def masked(execution: Execution) -> Execution:
    """The same without passwords and keys in its references: whoever may see a job may see its inputs."""
    inputs = {
        name: replace(given, items=tuple(_masked(item) for item in given.items))
        for name, given in execution.inputs.items()
    }
    return replace(execution, inputs=inputs)


def _masked(item: Item) -> Item:
    if isinstance(item, Reference):
        return replace(item, href=mask(item.href), headers=())
    return item
