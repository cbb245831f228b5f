"""Schedules: JSON <-> domain."""

from functools import partial
from typing import Any, cast

from weaver_like.domain.errors import InvalidInput
from weaver_like.domain.process import Process
from weaver_like.domain.schedule import Schedule, ScheduleRequest
from weaver_like.faces.ogcapi.documents.execute import EXECUTE_SCHEMA, masked, parse_execute
from weaver_like.faces.ogcapi.documents.urls import Urls, render_links
from weaver_like.schemas.execution import render_outputs
from weaver_like.schemas.inputs import render_inputs
from weaver_like.schemas.shape import Shape, describe_faults
from weaver_like.schemas.times import render_time

_EXECUTE_MEMBERS = ("inputs", "outputs", "response", "subscriber", "priority", "title", "reuse")
SCHEDULE_SCHEMA: dict = {
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
    """Read a schedule; its inputs are read when its process is known. Raises: InvalidInput with every fault of the shape."""
    faults = _SHAPE.faults(document)
    if faults:
        raise InvalidInput(describe_faults("The schedule", faults), faults=faults)
    body = cast(dict[str, Any], document)
    execute = {name: body[name] for name in _EXECUTE_MEMBERS if name in body}
    time_zone = body.get("timeZone", "UTC")
    return ScheduleRequest(body["process"], body["cron"].strip(), time_zone, partial(parse_execute, execute))


def render_schedule(schedule: Schedule, urls: Urls, process: Process | None = None, listed: bool = False) -> dict:
    """Members without a value are left out. listed: as an entry of a list, without what is executed.

    process: says which inputs may occur several times; None if it is no longer offered.
    """
    execution = masked(schedule.execution)
    document = {
        "id": schedule.id,
        "process": schedule.process_id,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "title": execution.title,
        "created": render_time(schedule.created),
        "nextFiring": render_time(schedule.due),
        "lastFiring": render_time(schedule.last_fired) if schedule.last_fired else None,
        "lastJobID": schedule.last_job_id,
        "lastFailure": schedule.failure,
    }
    if not listed:
        document |= {
            "inputs": render_inputs(execution, process),
            "outputs": None if execution.outputs is None else render_outputs(execution),
            "response": execution.response and str(execution.response),
            "priority": execution.priority,
            "reuse": execution.reuse or None,
        }
    return {name: value for name, value in document.items() if value is not None} | {
        "links": render_links(urls.of_schedule(schedule))
    }
