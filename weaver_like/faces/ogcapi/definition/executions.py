"""How each process is executed, in the API definition: the general operation with the inputs of that process."""

from weaver_like.domain.process import InputDescription, Process
from weaver_like.faces.ogcapi.definition.components import SCHEMAS
from weaver_like.faces.ogcapi.definition.oas30 import to_oas30
from weaver_like.faces.ogcapi.documents.process import render_input
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.validators import accepts_array

_COMMON = ("response", "subscriber", "reuse")


def render_execution_of(process: Process, general: JsonObject) -> JsonObject:
    """The operation that executes one process. general: the operation that executes any process."""
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema_name(process)}"}}}
    return {
        **general,
        "operationId": f"execute-{process.id}",
        "summary": f"Execute {process.title or process.id}",
        "parameters": [parameter for parameter in general["parameters"] if parameter["in"] != "path"],
        "requestBody": {"required": True, "content": body},
    }


def schema_name(process: Process) -> str:
    """Name of the schema that `render_execute_schema` makes."""
    return f"execute-{process.id}"


def render_execute_schema(process: Process) -> JsonObject:
    """The execute request of one process, with its own inputs."""
    required = [name for name, entry in process.inputs.items() if entry.min_occurs > 0]
    inputs: JsonObject = {
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
    schema: JsonObject = {"type": "object", "properties": {"inputs": inputs, "outputs": outputs, **common}}
    if required:
        inputs["required"] = required
        schema["required"] = ["inputs"]
    return schema


def _input(entry: InputDescription) -> JsonObject:
    described = render_input(entry)
    bare = to_oas30(described["schema"])
    default = {"default": bare.pop("default")} if entry.repeatable and "default" in bare else {}
    qualified = {
        "type": "object",
        "required": ["value"],
        "properties": {"value": bare, "mediaType": {"type": "string"}, "encoding": {"type": "string"}},
    }
    value: JsonObject = {"anyOf": [bare, {"$ref": "#/components/schemas/link"}, qualified]}
    if entry.repeatable:
        value = _repeated(entry, value) | default
    return value | {key: described[key] for key in ("title", "description") if key in described}


def _repeated(entry: InputDescription, value: JsonObject) -> JsonObject:
    several: JsonObject = {"type": "array", "items": value, "minItems": entry.min_occurs}
    if entry.max_occurs:
        several["maxItems"] = entry.max_occurs
    if entry.min_occurs > 1 or accepts_array(entry.schema):
        return {"anyOf": [several]}
    return {"anyOf": [several, value]}
