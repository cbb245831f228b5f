"""The JSON Schema of an input -> what OpenAPI 3.0 can say of it.

What it cannot say is left out: the definition must stay valid whatever a description holds; the server checks requests against the whole schema.
Source: OpenAPI 3.0.3, Schema Object.
"""

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
_NULL: dict = {"enum": [None], "nullable": True}


def to_oas30(schema: object) -> dict:
    """References to documents elsewhere become references within the definition: nobody must fetch anything to read it."""
    if not isinstance(schema, dict):
        return {"not": {}} if schema is False else {}
    if isinstance(schema.get("$ref"), str):
        return {"$ref": "#/components/schemas/bbox"} if "bbox" in schema["$ref"] else {}
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema["type"]] if "type" in schema else []
    if kinds == ["null"]:
        return dict(_NULL)
    found = {key: schema[key] for key in _SAME if key in schema and schema[key] != []} | _bounds(schema)
    if "null" in kinds or schema.get("nullable") is True:
        found["nullable"] = True
    named = [kind for kind in kinds if kind != "null"]
    found |= {"type": named[0]} if len(named) == 1 else {}
    if len(named) > 1:
        del found["type"]
    if "const" in schema:
        found["enum"] = [schema["const"]]
    found |= {key: [to_oas30(part) for part in schema[key]] for key in ("allOf", "oneOf", "anyOf") if schema.get(key)}
    found |= {key: to_oas30(schema[key]) for key in ("not", "items") if key in schema}
    if found.get("type") == "array":
        found.setdefault("items", {})
    if "properties" in schema:
        found["properties"] = {name: to_oas30(part) for name, part in schema["properties"].items()}
    more = schema.get("additionalProperties")
    if more is not None:
        found["additionalProperties"] = more if isinstance(more, bool) else to_oas30(more)
    return found


def _bounds(schema: dict) -> dict:
    """Exclusive bounds are numbers of their own in JSON Schema, and flags here; the tighter one of two counts."""
    found: dict = {}
    for exclusive, bound, tighter in (("exclusiveMinimum", "minimum", max), ("exclusiveMaximum", "maximum", min)):
        value = schema.get(exclusive)
        if isinstance(value, bool):
            found[exclusive] = value
        elif value is not None:
            found |= {bound: value, exclusive: True} if tighter(value, schema.get(bound, value)) == value else {}
    return found
