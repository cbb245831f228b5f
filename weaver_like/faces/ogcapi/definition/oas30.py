"""The JSON Schema of an input -> what OpenAPI 3.0 can say of it.

What it cannot say is left out: the definition must stay valid whatever a description holds. The server checks requests
against the whole schema. Source: OpenAPI 3.0.3, Schema Object.
"""

from weaver_like.schemas.jsontext import JsonObject

_SAME = (
    "title",
    "description",
    "type",
    "format",
    "pattern",
    "enum",
    "default",
    "required",
    "multipleOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)


def to_oas30(schema: object) -> JsonObject:
    """A schema in the spelling of OpenAPI 3.0.

    References to other documents become references within the definition: reading it must not need a request.
    """
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, dict):
        return {}
    if isinstance(schema.get("$ref"), str):
        return _known_reference(schema["$ref"])
    types = _types(schema)
    if types == ["null"]:
        return {"enum": [None], "nullable": True}
    found = {key: schema[key] for key in _SAME if key in schema and schema[key] != []}
    found |= _bounds(schema)
    _set_type(found, types, schema.get("nullable") is True)
    if "const" in schema:
        found["enum"] = [schema["const"]]
    for key in ("allOf", "oneOf", "anyOf"):
        if schema.get(key):
            found[key] = [to_oas30(part) for part in schema[key]]
    for key in ("not", "items"):
        if key in schema:
            found[key] = to_oas30(schema[key])
    if found.get("type") == "array":
        found.setdefault("items", {})
    if "properties" in schema:
        found["properties"] = {name: to_oas30(part) for name, part in schema["properties"].items()}
    _set_additional(found, schema.get("additionalProperties"))
    return found


def _known_reference(uri: str) -> JsonObject:
    if "bbox" in uri:
        return {"$ref": "#/components/schemas/bbox"}
    return {}


def _types(schema: JsonObject) -> list[str]:
    if "type" not in schema:
        return []
    named = schema["type"]
    return named if isinstance(named, list) else [named]


def _set_type(found: JsonObject, types: list[str], nullable: bool) -> None:
    """A type is one name here; of several nothing is said. "null" is a flag."""
    if "null" in types or nullable:
        found["nullable"] = True
    named = [name for name in types if name != "null"]
    if len(named) == 1:
        found["type"] = named[0]
    elif named:
        del found["type"]


def _set_additional(found: JsonObject, schema: object) -> None:
    if isinstance(schema, bool):
        found["additionalProperties"] = schema
    elif schema is not None:
        found["additionalProperties"] = to_oas30(schema)


def _bounds(schema: JsonObject) -> JsonObject:
    """Exclusive bounds are numbers of their own in JSON Schema, and flags here; the tighter one of two counts."""
    found: JsonObject = {}
    for exclusive, bound, tighter in (("exclusiveMinimum", "minimum", max), ("exclusiveMaximum", "maximum", min)):
        value = schema.get(exclusive)
        if isinstance(value, bool):
            found[exclusive] = value
        elif value is not None and tighter(value, schema.get(bound, value)) == value:
            found |= {bound: value, exclusive: True}
    return found
