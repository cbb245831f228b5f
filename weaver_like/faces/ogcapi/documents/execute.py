"""The execute request: JSON <-> `Execution`."""

from dataclasses import replace

from weaver_like.domain.errors import Fault, InvalidInput, UnsupportedMediaType
from weaver_like.domain.execution import Execution, ResponseForm, Subscriber
from weaver_like.domain.masks import mask
from weaver_like.domain.process import Process
from weaver_like.domain.values import Reference
from weaver_like.schemas.execution import parse_outputs
from weaver_like.schemas.inputs import parse_inputs
from weaver_like.schemas.jsontext import check_depth, loads
from weaver_like.schemas.shape import Shape, describe_faults

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
        inputs=parse_inputs(body.get("inputs", {}), process),
        outputs=None if outputs is None else parse_outputs(outputs),
        response=ResponseForm(body["response"]) if "response" in body else None,
        subscriber=_parse_subscriber(body.get("subscriber")),
        priority=body.get("priority"),
        mode=body.get("mode"),
        title=body.get("title"),
        reuse=body.get("reuse", False),
    )


def _parse_subscriber(given: dict | None) -> Subscriber | None:
    if not given:
        return None
    return Subscriber(given.get("successUri"), given.get("inProgressUri"), given.get("failedUri"))


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
