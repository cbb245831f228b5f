"""The API definition (OpenAPI 3.0), from the table of operations that also makes the routes, and from what is on offer."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from weaver_like import __version__
from weaver_like.deployment.cwl import PACKAGE_TYPES
from weaver_like.domain.formats import HTML, JSON
from weaver_like.domain.process import Process
from weaver_like.faces.ogcapi.definition.components import SCHEMAS
from weaver_like.faces.ogcapi.definition.executions import render_execute_schema, render_execution_of, schema_name
from weaver_like.faces.ogcapi.definition.operation import Operation
from weaver_like.faces.ogcapi.definition.parameters import render_parameter
from weaver_like.faces.ogcapi.documents.urls import OPENAPI, Urls
from weaver_like.faces.ogcapi.negotiate import PROBLEM
from weaver_like.schemas.jsontext import dumps

#: The document stays readable for tools: processes beyond this many bytes are only described at /processes/{id}.
MAX_BYTES = 280_000


_REASONS = {
    200: "Success",
    201: "Accepted and kept; see Location",
    204: "Success, without a body",
    206: "The part that was asked for",
    304: "Not modified",
    400: "The request is not valid",
    403: "A page of another site may not do this; or the process cannot be changed",
    404: "Not found",
    406: "Not acceptable",
    409: "It does not go together with what is there",
    413: "The body is too large",
    415: "The body has a media type that is not taken here",
    416: "No such range",
    500: "The process failed",
    503: "Too busy, or a part is away; see Retry-After",
}
_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_EXCEPTION = {"schema": {"$ref": "#/components/schemas/exception"}}
_PROBLEM = {PROBLEM: _EXCEPTION, JSON: _EXCEPTION, HTML: {"schema": _TEXT}}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": _TEXT,
    "description": "respond-async, wait=N, return=minimal|representation, handling=strict (RFC 7240)",
}


def render_openapi(
    operations: Sequence[Operation], processes: Sequence[Process], urls: Urls, title: str, description: str
) -> dict[str, Any]:
    """Source: /req/oas30/completeness, /req/oas30/exceptions-codes."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _render(operation)
    info = {"title": title, "description": description, "version": __version__, "license": {"name": "Apache-2.0"}}
    schemas: dict[str, Any] = dict(SCHEMAS)
    problems = [status for status in _REASONS if status >= 400 and status != 416]
    responses = {str(status): {"description": _REASONS[status], "content": _PROBLEM} for status in problems}
    document = {
        "openapi": "3.0.3",
        "info": info,
        "servers": [{"url": urls.base or "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "responses": responses},
    }
    generic = _render(next(operation for operation in operations if operation.id == "execute"))
    size = len(dumps(document))
    for process in sorted(processes, key=lambda process: process.id):
        body, executed = render_execute_schema(process), render_execution_of(process, generic)
        size += len(dumps([body, executed])) + 100
        if size > MAX_BYTES:
            break
        schemas[schema_name(process)] = body
        paths[f"/processes/{quote(process.id)}/execution"] = {"post": executed}
    return document


def _render(operation: Operation) -> dict[str, Any]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    parameters += [render_parameter(node) for node in operation.query.children]
    if operation.body == "execute":
        parameters.append(_PREFER)
    rendered = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": _answers(operation),
    }
    if operation.body:
        rendered["requestBody"] = {"required": True, "content": _body(operation.body)}
    return rendered


def _body(name: str) -> dict[str, Any]:
    if name == "package":
        return {kind: {} for kind in PACKAGE_TYPES}
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if name == "patch":
        return {"application/merge-patch+json": content, JSON: content}
    return {JSON: content}


def _answers(operation: Operation) -> dict[str, Any]:
    answers = {str(status): _answer(status, what) for status, what in operation.answers.items()}
    if "201" in answers:
        answers["201"]["headers"] = {"Location": {"description": "What was made", "schema": _TEXT}}
    errors = {400, 503, *operation.errors}
    if operation.method != "get":
        errors |= {403, 406}
    elif all(_has_forms(what) for what in operation.answers.values()):
        errors.add(406)
    for status in sorted(errors - operation.answers.keys()):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return answers


def _has_forms(what: str) -> bool:
    return what == OPENAPI or (what != "package" and "/" not in what)


def _answer(status: int, what: str) -> dict[str, Any]:
    if not what:
        return {"description": _REASONS[status]}
    if what == OPENAPI:
        content = {OPENAPI: {"schema": _OBJECT}, JSON: {"schema": _OBJECT}, HTML: {"schema": _TEXT}}
        return {"description": _REASONS[status], "content": content}
    if what == "package":
        return {"description": "What was deployed, as it was", "content": _body(what)}
    if "/" in what:
        return {"description": _REASONS[status], "content": {what: {}}}
    forms = {JSON: {"schema": {"$ref": f"#/components/schemas/{what}"}}, HTML: {"schema": _TEXT}}
    return {"description": _REASONS[status], "content": forms}
