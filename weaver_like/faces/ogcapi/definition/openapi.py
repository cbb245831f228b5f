"""The API definition (OpenAPI 3.0), made of the table of operations, like the routes, and of the processes on offer."""

from collections.abc import Sequence
from urllib.parse import quote

from weaver_like import __version__
from weaver_like.domain.formats import HTML, JSON
from weaver_like.domain.process import Process
from weaver_like.faces.ogcapi.definition.components import SCHEMAS
from weaver_like.faces.ogcapi.definition.executions import render_execute_schema, render_execution_of, schema_name
from weaver_like.faces.ogcapi.definition.operation import Operation, names_document
from weaver_like.faces.ogcapi.definition.parameters import render_parameter
from weaver_like.faces.ogcapi.documents.urls import OPENAPI, Urls
from weaver_like.faces.ogcapi.negotiate import PROBLEM
from weaver_like.schemas.jsontext import JsonObject, dumps
from weaver_like.settings import ServerSettings

#: Tools stop reading documents that are too large: processes beyond this size are only described at /processes/{id}.
MAX_BYTES = 280_000

_REASONS = {
    200: "Success",
    201: "Accepted and kept; see Location",
    204: "Success, without a body",
    206: "The part that was asked for",
    304: "Not modified",
    400: "The request is not valid",
    403: "Pages of other sites may not do this, or the process cannot be changed",
    404: "Not found",
    406: "Not acceptable",
    409: "In conflict with what is there",
    413: "The body is too large",
    415: "The media type of the body is not supported",
    416: "No such range",
    500: "The process failed",
    503: "Too busy, or a part is unavailable; see Retry-After",
}
_TEXT: JsonObject = {"type": "string"}
_OBJECT: JsonObject = {"type": "object"}
_EXCEPTION: JsonObject = {"schema": {"$ref": "#/components/schemas/exception"}}
_PROBLEM = {PROBLEM: _EXCEPTION, JSON: _EXCEPTION, HTML: {"schema": _TEXT}}
_PREFER: JsonObject = {
    "name": "Prefer",
    "in": "header",
    "schema": _TEXT,
    "description": "respond-async, wait=N, return=minimal|representation, handling=strict (RFC 7240)",
}


def render_openapi(
    operations: Sequence[Operation],
    processes: Sequence[Process],
    package_types: Sequence[str],
    urls: Urls,
    server: ServerSettings,
) -> JsonObject:
    """The whole definition. package_types: media types of packages.

    Source: /req/oas30/completeness, /req/oas30/exceptions-codes.
    """
    paths: dict[str, JsonObject] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _render(operation, package_types, server)
    info = {"title": server.title, "description": server.description, "version": __version__}
    document = {
        "openapi": "3.0.3",
        "info": info | {"license": {"name": "Apache-2.0"}},
        "servers": [{"url": urls.base or "/"}],
        "paths": paths,
        "components": {"schemas": dict(SCHEMAS), "responses": _problems()},
    }
    execute = next(operation for operation in operations if operation.id == "execute")
    _add_executions(document, _render(execute, (), server), processes)
    return document


def _problems() -> JsonObject:
    """A response for each status of a problem document; 416 has no body."""
    statuses = [status for status in _REASONS if status >= 400 and status != 416]
    return {str(status): {"description": _REASONS[status], "content": _PROBLEM} for status in statuses}


def _add_executions(document: JsonObject, general: JsonObject, processes: Sequence[Process]) -> None:
    """How each process is executed, as long as the document does not become too large.

    general: the operation that executes any process.
    """
    size = len(dumps(document))
    for process in sorted(processes, key=lambda process: process.id):
        schema, execution = render_execute_schema(process), render_execution_of(process, general)
        size += len(dumps([schema, execution])) + 100
        if size > MAX_BYTES:
            break
        document["components"]["schemas"][schema_name(process)] = schema
        document["paths"][f"/processes/{quote(process.id)}/execution"] = {"post": execution}


def _render(operation: Operation, package_types: Sequence[str], server: ServerSettings) -> JsonObject:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters: list[JsonObject] = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    parameters += [render_parameter(node, server) for node in operation.query.children]
    if operation.body == "execute":
        parameters.append(_PREFER)
    rendered = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": _answers(operation, package_types),
    }
    if operation.body:
        rendered["requestBody"] = {"required": True, "content": _body(operation.body, package_types)}
    return rendered


def _body(name: str, package_types: Sequence[str]) -> JsonObject:
    if name == "package":
        return {media_type: {} for media_type in package_types}
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if name == "patch":
        return {"application/merge-patch+json": content, JSON: content}
    return {JSON: content}


def _answers(operation: Operation, package_types: Sequence[str]) -> JsonObject:
    answers = {str(status): _answer(status, answer, package_types) for status, answer in operation.answers.items()}
    if "201" in answers:
        answers["201"]["headers"] = {"Location": {"description": "What was made", "schema": _TEXT}}
    errors = {400, 503, *operation.errors}
    if operation.method != "get":
        errors |= {403, 406}
    elif all(_has_forms(answer) for answer in operation.answers.values()):
        errors.add(406)
    for status in sorted(errors - operation.answers.keys()):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return answers


def _has_forms(answer: str) -> bool:
    return answer == OPENAPI or names_document(answer)


def _answer(status: int, answer: str, package_types: Sequence[str]) -> JsonObject:
    if not answer:
        return {"description": _REASONS[status]}
    if answer == "package":
        return {"description": "What was deployed, as it was", "content": _body(answer, package_types)}
    return {"description": _REASONS[status], "content": _content(answer)}


def _content(answer: str) -> JsonObject:
    if answer == OPENAPI:
        return {OPENAPI: {"schema": _OBJECT}, JSON: {"schema": _OBJECT}, HTML: {"schema": _TEXT}}
    if names_document(answer):
        return {JSON: {"schema": {"$ref": f"#/components/schemas/{answer}"}}, HTML: {"schema": _TEXT}}
    return {answer: {}}
