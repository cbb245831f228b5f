"""The API definition (OpenAPI 3.0), from the table of operations that also makes the routes, and from what is on offer."""

from dataclasses import dataclass
from urllib.parse import quote

import colander

from weaver_like import __version__
from weaver_like.deployment.request import PACKAGE_TYPES
from weaver_like.domain.process import Process
from weaver_like.faces.ogcapi.definition.components import SCHEMAS
from weaver_like.faces.ogcapi.definition.oas30 import to_oas30
from weaver_like.schemas import query
from weaver_like.schemas.description import render_input
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.schemas.urls import OPENAPI, Urls
from weaver_like.schemas.validators import accepts_array

#: The document stays readable for tools: processes beyond this many bytes are only described at /processes/{id}.
MAX_BYTES = 280_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. answers: status -> name of the schema, or media type if there is a "/", or "" without body;
    "package": what was deployed.

    body: name of the schema of what is posted.
    """

    id: str
    method: str
    path: str
    summary: str
    query: colander.MappingSchema
    answers: dict[int, str]
    errors: tuple[int, ...] = ()
    tag: str = "Jobs"
    body: str = "execute"


_JOB = (404,)
OPERATIONS: tuple[Operation, ...] = (
    Operation("getLandingPage", "get", "/", "Landing page", query.PLAIN, {200: "landingPage"}, tag="Server"),
    Operation(
        "getConformance", "get", "/conformance", "Conformance classes", query.PLAIN, {200: "confClasses"}, tag="Server"
    ),
    Operation("getApi", "get", "/api", "This document", query.PLAIN, {200: OPENAPI}, tag="Server"),
    Operation("getPlugins", "get", "/plugins", "Plugins and their errors", query.PLAIN, {200: "plugins"}, tag="Server"),
    Operation(
        "getLive",
        "get",
        "/health/live",
        "Whether the server answers",
        query.PLAIN,
        {200: "application/json"},
        tag="Server",
    ),
    Operation(
        "getReady",
        "get",
        "/health/ready",
        "Whether every part that requests need is there",
        query.PLAIN,
        {200: "application/json", 503: "application/json"},
        tag="Server",
    ),
    Operation(
        "getProcesses",
        "get",
        "/processes",
        "Processes on offer",
        query.PROCESS_LIST,
        {200: "processList"},
        tag="Processes",
    ),
    Operation(
        "getProcess",
        "get",
        "/processes/{process}",
        "Description of a process",
        query.PLAIN,
        {200: "process"},
        (404,),
        "Processes",
    ),
    Operation(
        "deployProcess",
        "post",
        "/processes",
        "Deploy an application package",
        query.DEPLOYMENT,
        {200: "deployment", 201: "deployment"},
        (409, 413, 415),
        "Processes",
        "package",
    ),
    Operation(
        "replaceProcess",
        "put",
        "/processes/{process}",
        "Replace a deployed process",
        query.DEPLOYMENT,
        {200: "deployment"},
        (404, 409, 413, 415),
        "Processes",
        "package",
    ),
    Operation(
        "undeployProcess",
        "delete",
        "/processes/{process}",
        "Remove a deployed process, or one of its revisions (id:version)",
        query.PLAIN,
        {204: ""},
        (404,),
        "Processes",
    ),
    Operation(
        "patchProcess",
        "patch",
        "/processes/{process}",
        "Change the description of a deployed process, or go back to a version",
        query.PATCH,
        {200: "deployment"},
        (404, 409, 413, 415),
        "Processes",
        "patch",
    ),
    Operation(
        "getRevisions",
        "get",
        "/processes/{process}/revisions",
        "Versions of a deployed process",
        query.PLAIN,
        {200: "revisions"},
        (404,),
        "Processes",
    ),
    Operation(
        "getPackage",
        "get",
        "/processes/{process}/package",
        "The package of a deployed process",
        query.PLAIN,
        {200: "package"},
        (404,),
        "Processes",
    ),
    Operation(
        "execute",
        "post",
        "/processes/{process}/execution",
        "Execute a process",
        query.PLAIN,
        {200: "*/*", 201: "statusInfo", 204: ""},
        (404, 413, 415, 500),
        "Processes",
    ),
    Operation(
        "executeAlias",
        "post",
        "/processes/{process}/jobs",
        "Execute a process (older path)",
        query.PLAIN,
        {200: "*/*", 201: "statusInfo", 204: ""},
        (404, 413, 415, 500),
        "Processes",
    ),
    Operation("getJobs", "get", "/jobs", "Jobs, newest first", query.JOB_LIST, {200: "jobList"}),
    Operation("getJob", "get", "/jobs/{job}", "Status of a job", query.PLAIN, {200: "statusInfo"}, _JOB),
    Operation(
        "dismissJob",
        "delete",
        "/jobs/{job}",
        "Dismiss a job, or remove a finished one",
        query.PLAIN,
        {200: "statusInfo"},
        _JOB,
    ),
    Operation(
        "getResults", "get", "/jobs/{job}/results", "Results of a job", query.RESULTS, {200: "*/*", 204: ""}, (404, 500)
    ),
    Operation(
        "getOutput",
        "get",
        "/jobs/{job}/results/{output}",
        "One output of a job",
        query.PLAIN,
        {200: "*/*", 206: "*/*", 304: "", 416: ""},
        (404, 406, 500),
    ),
    Operation(
        "getMember",
        "get",
        "/jobs/{job}/results/{output}/{path}",
        "One file of a folder",
        query.PLAIN,
        {200: "*/*", 206: "*/*", 304: "", 416: ""},
        (404, 500),
    ),
    Operation("getInputs", "get", "/jobs/{job}/inputs", "Inputs of a job", query.PLAIN, {200: "inputs"}, _JOB),
    Operation(
        "getOutputs",
        "get",
        "/jobs/{job}/outputs",
        "Outputs of a job, as links",
        query.PLAIN,
        {200: "outputs"},
        (404, 500),
    ),
    Operation("getLog", "get", "/jobs/{job}/logs", "Log of a job", query.LOG, {200: "log"}, _JOB),
    Operation("getSteps", "get", "/jobs/{job}/steps", "Steps of a job", query.STEPS, {200: "steps"}, _JOB),
    Operation(
        "getEvents",
        "get",
        "/jobs/{job}/events",
        "Live status and log (server-sent events)",
        query.PLAIN,
        {200: "text/event-stream"},
        _JOB,
    ),
    Operation(
        "getExceptions", "get", "/jobs/{job}/exceptions", "Why a job failed", query.PLAIN, {200: "exceptions"}, _JOB
    ),
    Operation(
        "getStatistics",
        "get",
        "/jobs/{job}/statistics",
        "Resources that a job used",
        query.PLAIN,
        {200: "statistics"},
        _JOB,
    ),
    Operation(
        "getSchedules",
        "get",
        "/schedules",
        "Schedules, newest first",
        query.SCHEDULE_LIST,
        {200: "scheduleList"},
        tag="Schedules",
    ),
    Operation(
        "addSchedule",
        "post",
        "/schedules",
        "Execute a process again and again",
        query.PLAIN,
        {201: "schedule"},
        (409, 413, 415),
        "Schedules",
        "newSchedule",
    ),
    Operation(
        "getSchedule", "get", "/schedules/{schedule}", "A schedule", query.PLAIN, {200: "schedule"}, (404,), "Schedules"
    ),
    Operation(
        "removeSchedule",
        "delete",
        "/schedules/{schedule}",
        "Remove a schedule; its jobs stay",
        query.PLAIN,
        {204: ""},
        (404,),
        "Schedules",
    ),
    Operation(
        "getFile",
        "get",
        "/outputs/{path}",
        "A result file",
        query.PLAIN,
        {200: "*/*", 206: "*/*", 304: "", 416: ""},
        (404,),
    ),
)
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
_PROBLEM = {
    kind: {"schema": {"$ref": "#/components/schemas/exception"}}
    for kind in ("application/problem+json", "application/json")
}
_PROBLEM["text/html"] = {"schema": {"type": "string"}}


def render_openapi(processes: list[Process], urls: Urls, title: str, description: str) -> dict:
    """Source: /req/oas30/completeness, /req/oas30/exceptions-codes."""
    paths: dict = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _render(operation)
    document = {
        "openapi": "3.0.3",
        "info": {"title": title, "description": description, "version": __version__, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": urls.base or "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "responses": {
                str(status): _problem_response(status) for status in _REASONS if status >= 400 and status != 416
            },
        },
    }
    size = len(dumps(document))
    for process in sorted(processes, key=lambda process: process.id):
        body, operation = _execute_schema(process), _process_operation(process)
        size += len(dumps([body, operation])) + 100
        if size > MAX_BYTES:
            break
        document["components"]["schemas"][f"execute-{process.id}"] = body
        paths[f"/processes/{quote(process.id)}/execution"] = {"post": operation}
    return document


def _render(operation: Operation) -> dict:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    rendered = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters + [render_parameter(node) for node in operation.query.children],
        "responses": _answers(operation),
    }
    if operation.method in ("post", "put", "patch"):
        rendered["parameters"] += [_PREFER] if operation.body == "execute" else []
        rendered["requestBody"] = {"required": True, "content": _body(operation.body)}
    return rendered


def _body(name: str) -> dict:
    if name == "package":
        return {kind: {} for kind in PACKAGE_TYPES}
    kinds = ("application/merge-patch+json", "application/json") if name == "patch" else ("application/json",)
    return {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}} for kind in kinds}


_PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "respond-async, wait=N, return=minimal|representation, handling=strict (RFC 7240)",
}


def _answers(operation: Operation) -> dict:
    answers: dict = {str(status): _answer(status, what) for status, what in operation.answers.items()}
    if "201" in answers:
        answers["201"]["headers"] = {"Location": {"description": "What was made", "schema": {"type": "string"}}}
    documents = all(what == OPENAPI or (what != "package" and "/" not in what) for what in operation.answers.values())
    negotiated = {406} if documents or operation.method != "get" else set()
    for status in sorted(
        {400, 503, *negotiated, *operation.errors, *([] if operation.method == "get" else [403])}
        - operation.answers.keys()
    ):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return answers


def _answer(status: int, what: str) -> dict:
    if not what:
        return {"description": _REASONS[status]}
    if what == OPENAPI:
        return {
            "description": _REASONS[status],
            "content": {
                OPENAPI: {"schema": {"type": "object"}},
                "application/json": {"schema": {"type": "object"}},
                "text/html": {"schema": {"type": "string"}},
            },
        }
    if what == "package":
        return {"description": "What was deployed, as it was", "content": _body(what)}
    if "/" in what:
        return {"description": _REASONS[status], "content": {what: {}}}
    forms = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{what}"}},
        "text/html": {"schema": {"type": "string"}},
    }
    return {"description": _REASONS[status], "content": forms}


def _problem_response(status: int) -> dict:
    return {"description": _REASONS[status], "content": _PROBLEM}


def render_parameter(node: colander.SchemaNode) -> dict:
    """A colander node as a query parameter."""
    schema: dict = {"type": "string"}
    if isinstance(node.typ, query.SecondsList):
        schema = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 999999999}, "minItems": 1}
    elif isinstance(node.typ, query.TextList):
        allowed = getattr(node, "values", None)
        schema = {
            "type": "array",
            "items": {"type": "string", "enum": allowed} if allowed else {"type": "string", "minLength": 1},
            "minItems": 1,
        }
    elif isinstance(node.typ, query.Whole):
        schema = {"type": "integer", "minimum": node.validator.min}
        schema |= {"default": node.missing} if node.missing is not None else {}
        most = getattr(node, "maximum", None) or node.validator.max
        schema |= {"maximum": most} if most else {}
    elif isinstance(node.typ, query.Flag):
        schema = {"type": "boolean", "default": node.missing}
    elif isinstance(node.validator, colander.OneOf):
        schema["enum"] = list(node.validator.choices)
    rendered = {
        "name": node.name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": node.description or "",
    }
    return rendered | ({"style": "form", "explode": False} if schema["type"] == "array" else {})


def _process_operation(process: Process) -> dict:
    generic = next(operation for operation in OPERATIONS if operation.id == "execute")
    rendered = _render(generic)
    reference = {"$ref": f"#/components/schemas/execute-{process.id}"}
    return rendered | {
        "operationId": f"execute-{process.id}",
        "summary": f"Execute {process.title or process.id}",
        "parameters": [parameter for parameter in rendered["parameters"] if parameter["in"] != "path"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
    }


def _execute_schema(process: Process) -> dict:
    """The execute request of one process, with its own inputs."""
    inputs, required = {}, []
    for name, entry in process.inputs.items():
        described = render_input(entry)
        value = {
            "anyOf": [
                to_oas30(described["schema"]),
                {"$ref": "#/components/schemas/link"},
                {
                    "type": "object",
                    "required": ["value"],
                    "properties": {
                        "value": to_oas30(described["schema"]),
                        "mediaType": {"type": "string"},
                        "encoding": {"type": "string"},
                    },
                },
            ]
        }
        if entry.repeatable:
            several = {"type": "array", "items": value, "minItems": entry.min_occurs} | (
                {"maxItems": entry.max_occurs} if entry.max_occurs else {}
            )
            single = [] if entry.min_occurs > 1 or accepts_array(entry.schema) else [value]
            value = {"anyOf": [several, *single]}
        inputs[name] = value | {key: described[key] for key in ("title", "description") if key in described}
        required += [name] if entry.min_occurs > 0 else []
    body = {"type": "object", "properties": inputs, "additionalProperties": False} | (
        {"required": required} if required else {}
    )
    common = {
        key: value
        for key, value in SCHEMAS["execute"]["properties"].items()
        if key in ("response", "subscriber", "reuse")
    }
    outputs = {
        "type": "object",
        "properties": {name: {"type": "object"} for name in process.outputs},
        "additionalProperties": False,
    }
    return {"type": "object", "properties": {"inputs": body, "outputs": outputs, **common}} | (
        {"required": ["inputs"]} if required else {}
    )


def render_openapi_page(document: bytes) -> dict:
    """The same for human readers: operations and their parameters."""
    api: dict = loads(document)  # type: ignore[assignment]
    operations = [
        {
            "method": method.upper(),
            "path": api["servers"][0]["url"].rstrip("/") + path if "{" not in path and method == "get" else path,
            "summary": operation["summary"],
            "parameters": ", ".join(parameter["name"] for parameter in operation["parameters"]),
            "answers": ", ".join(operation["responses"]),
        }
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    return {
        "title": api["info"]["title"],
        "description": api["info"]["description"],
        "openapi": api["openapi"],
        "operations": operations,
    }
