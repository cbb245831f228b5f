"""Schedules: JSON <-> domain."""

from dataclasses import dataclass

from weaver_like.domain.errors import InvalidInput
from weaver_like.domain.process import Process
from weaver_like.domain.schedule import Schedule
from weaver_like.schemas.execute import EXECUTE_SCHEMA, describe_faults, masked, render_inputs, render_outputs
from weaver_like.schemas.job import render_time
from weaver_like.schemas.shape import Shape
from weaver_like.schemas.urls import Urls, render_links

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


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """A new schedule whose shape is right. execute: the members of an execute request, not looked at yet."""

    process_id: str
    cron: str
    time_zone: str
    execute: dict


def parse_schedule(document: object) -> ScheduleRequest:
    """Raises: InvalidInput with every fault of the shape."""
    faults = _SHAPE.faults(document)
    if faults:
        raise InvalidInput(describe_faults("The schedule", faults), faults=faults)
    body: dict = document  # type: ignore[assignment]
    execute = {name: body[name] for name in _EXECUTE_MEMBERS if name in body}
    return ScheduleRequest(body["process"], body["cron"].strip(), body.get("timeZone", "UTC"), execute)


def render_schedule(schedule: Schedule, urls: Urls, process: Process | None = None, listed: bool = False) -> dict:
    """Members without a value are left out. listed: as an entry of a list, without what is executed.

    process: says which inputs may occur several times; None if it is not offered any more.
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
