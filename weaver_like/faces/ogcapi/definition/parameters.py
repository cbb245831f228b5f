"""Query parameters: colander nodes as the API definition shows them."""

from typing import Any

import colander

from weaver_like.faces.ogcapi.documents import query


def render_parameter(node: colander.SchemaNode) -> dict[str, Any]:
    """A colander node as a query parameter."""
    schema = _schema(node)
    rendered = {
        "name": node.name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": node.description or "",
    }
    if schema["type"] == "array":
        rendered |= {"style": "form", "explode": False}
    return rendered


def _schema(node: colander.SchemaNode) -> dict[str, Any]:
    if isinstance(node.typ, query.SecondsList):
        seconds = {"type": "integer", "minimum": 0, "maximum": 999999999}
        return {"type": "array", "items": seconds, "minItems": 1}
    if isinstance(node.typ, query.TextList):
        allowed = getattr(node, "values", None)
        items = {"type": "string", "enum": allowed} if allowed else {"type": "string", "minLength": 1}
        return {"type": "array", "items": items, "minItems": 1}
    if isinstance(node.typ, query.Whole):
        return _whole(node)
    if isinstance(node.typ, query.Flag):
        return {"type": "boolean", "default": node.missing}
    if isinstance(node.validator, colander.OneOf):
        return {"type": "string", "enum": list(node.validator.choices)}
    return {"type": "string"}


def _whole(node: colander.SchemaNode) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer", "minimum": node.validator.min}
    if node.missing is not None:
        schema["default"] = node.missing
    most = getattr(node, "maximum", None) or node.validator.max
    if most:
        schema["maximum"] = most
    return schema
