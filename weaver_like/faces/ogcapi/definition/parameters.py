"""Query parameters: colander nodes as the API definition shows them."""

import colander

from weaver_like.faces.ogcapi.documents import query
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.settings import ServerSettings


def render_parameter(node: colander.SchemaNode, server: ServerSettings) -> JsonObject:
    """A colander node as a query parameter. Source: OpenAPI 3.0.3, Parameter Object."""
    schema = _schema(node, server)
    rendered = {
        "name": node.name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": node.description or "",
    }
    if schema["type"] == "array":
        rendered |= {"style": "form", "explode": getattr(node, "explode", False)}
    return rendered


def _schema(node: colander.SchemaNode, server: ServerSettings) -> JsonObject:
    if isinstance(node.typ, query.SecondsList):
        seconds = {"type": "integer", "minimum": 0, "maximum": 999999999}
        return {"type": "array", "items": seconds, "minItems": 1}
    if isinstance(node.typ, query.TextList):
        return {"type": "array", "items": _word(node), "minItems": 1}
    if isinstance(node.typ, query.Whole):
        return _whole(node, server)
    if isinstance(node.typ, query.Flag):
        return {"type": "boolean", "default": node.missing}
    if isinstance(node.validator, colander.OneOf):
        return {"type": "string", "enum": list(node.validator.choices)}
    return {"type": "string"}


def _word(node: colander.SchemaNode) -> JsonObject:
    allowed = getattr(node, "values", None)
    if allowed:
        return {"type": "string", "enum": allowed}
    return {"type": "string", "minLength": 1}


def _whole(node: colander.SchemaNode, server: ServerSettings) -> JsonObject:
    schema: JsonObject = {"type": "integer", "minimum": node.validator.min}
    page_size = getattr(node, "page_size", None)
    if page_size:
        schema["default"] = min(page_size(server), query.MAX_LIMIT)
    elif node.missing is not None:
        schema["default"] = node.missing
    maximum = getattr(node, "maximum", None) or node.validator.max
    if maximum:
        schema["maximum"] = maximum
    return schema
