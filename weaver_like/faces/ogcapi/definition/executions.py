"""How each process is executed, in the API definition: the generic operation with the inputs of that process."""

from typing import Any

from weaver_like.domain.process import InputDescription, Process
from weaver_like.faces.ogcapi.definition.components import SCHEMAS
from weaver_like.faces.ogcapi.definition.oas30 import to_oas30
from weaver_like.faces.ogcapi.documents.process import render_input
from weaver_like.schemas.validators import accepts_array

_COMMON = ("response", "subscriber", "reuse")


def render_execution_of(process: Process, generic: dict[str, Any]) -> dict[str, Any]:
    """The operation that executes a process. generic: that of any process."""
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema_name(process)}"}}}
    return {
        **generic,
        "operationId": f"execute-{process.id}",
        "summary": f"Execute {process.title or process.id}",
        "parameters": [parameter for parameter in generic["parameters"] if parameter["in"] != "path"],
        "requestBody": {"required": True, "content": body},
    }


def schema_name(process: Process) -> str:
    return f"execute-{process.id}"


def render_execute_schema(process: Process) -> dict[str, Any]:
    """The execute request of one process, with its own inputs."""
    required = [name for name, entry in process.inputs.items() if entry.min_occurs > 0]
    inputs: dict[str, Any] = {
        "type": "object",
        "properties": {name: _input(entry) for name, entry in process.inputs.items()},
        "additionalProperties": False,
    }
    outputs = {
        "type": "object",
        "properties": {name: {"type": "object"} for name in process.outputs},
        "additionalProperties": False,
    }
    common = {key: value for key, value in SCHEMAS["execute"]["properties"].items() if key in _COMMON}
    schema: dict[str, Any] = {"type": "object", "properties": {"inputs": inputs, "outputs": outputs, **common}}
    if required:
        inputs["required"] = required
        schema["required"] = ["inputs"]
    return schema


def _input(entry: InputDescription) -> dict[str, Any]:
    described = render_input(entry)
    bare = to_oas30(described["schema"])
    qualified = {
        "type": "object",
        "required": ["value"],
        "properties": {"value": bare, "mediaType": {"type": "string"}, "encoding": {"type": "string"}},
    }
    value = {"anyOf": [bare, {"$ref": "#/components/schemas/link"}, qualified]}
    if entry.repeatable:
        value = _repeated(entry, value)
    return value | {key: described[key] for key in ("title", "description") if key in described}


def _repeated(entry: InputDescription, value: dict[str, Any]) -> dict[str, Any]:
    several: dict[str, Any] = {"type": "array", "items": value, "minItems": entry.min_occurs}
    if entry.max_occurs:
        several["maxItems"] = entry.max_occurs
    if entry.min_occurs > 1 or accepts_array(entry.schema):
        return {"anyOf": [several]}
    return {"anyOf": [several, value]}
