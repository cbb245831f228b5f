"""Schedules: JSON <-> domain."""

from functools import partial
from typing import cast

from weaver_like.domain.errors import InvalidInput
from weaver_like.domain.execution import Execution
from weaver_like.domain.process import Process
from weaver_like.domain.schedule import Schedule, ScheduleRequest
from weaver_like.faces.ogcapi.documents.execute import EXECUTE_SCHEMA, masked, parse_execute
from weaver_like.faces.ogcapi.documents.urls import Urls, render_links
from weaver_like.schemas.execution import render_outputs
from weaver_like.schemas.inputs import render_inputs
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import Shape, describe_faults
from weaver_like.schemas.times import render_time

_EXECUTE_MEMBERS = ("inputs", "outputs", "response", "subscriber", "priority", "title", "reuse")
SCHEDULE_SCHEMA: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "required": ["process", "cron"],
    "properties": {
        "process": {"type": "string"},
        "cron": {"type": "string", "maxLength": 200},
        "timeZone": {"type": "string", "default": "UTC"},
        **{name: EXECUTE_SCHEMA["properties"][name] for name in _EXECUTE_MEMBERS},
    },
}
_SHAPE = Shape(SCHEDULE_SCHEMA)


def parse_schedule(document: object) -> ScheduleRequest:
    """Read a schedule; its execution is read later, with the description of its process.

    Raises: InvalidInput, with every fault of the shape.
    """
    faults = _SHAPE.faults(document)
    if faults:
        raise InvalidInput(describe_faults("The schedule", faults), faults=faults)
    body = cast(JsonObject, document)
    execute = {name: body[name] for name in _EXECUTE_MEMBERS if name in body}
    time_zone = body.get("timeZone", "UTC")
    return ScheduleRequest(body["process"], body["cron"].strip(), time_zone, partial(parse_execute, execute))


def render_schedule(schedule: Schedule, urls: Urls, process: Process | None = None, listed: bool = False) -> JsonObject:
    """A schedule; members without a value are left out.

    Args:
        process: says which inputs may occur several times; None if it is no longer offered.
        listed: as an entry of a list, without what is executed.
    """
    execution = masked(schedule.execution)
    document: JsonObject = {
        "id": schedule.id,
        "process": schedule.process_id,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "title": execution.title,
        "created": render_time(schedule.created),
        "nextFiring": render_time(schedule.due),
        "lastFiring": schedule.last_fired and render_time(schedule.last_fired),
        "lastJobID": schedule.last_job_id,
        "lastFailure": schedule.failure,
    }
    if not listed:
        document |= _render_execution(execution, process)
    document["links"] = render_links(urls.of_schedule(schedule))
    return {name: value for name, value in document.items() if value is not None}


def _render_execution(execution: Execution, process: Process | None) -> JsonObject:
    document: JsonObject = {"inputs": render_inputs(execution, process)}
    if execution.outputs is not None:
        document["outputs"] = render_outputs(execution)
    document["response"] = execution.response and str(execution.response)
    document["priority"] = execution.priority
    document["reuse"] = execution.reuse or None
    return document
