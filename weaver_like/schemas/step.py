"""Steps of jobs: JSON <-> domain."""

from datetime import UTC, datetime

from weaver_like.domain.step import Step, StepStatus
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.times import render_time


def render_step(step: Step) -> JsonObject:
    """A step as an entry of /jobs/{id}/steps; members without a value are left out."""
    document: JsonObject = {
        "number": step.number,
        "name": step.name,
        "status": str(step.status),
        "message": step.message or None,
        "started": step.started and render_time(step.started),
        "finished": step.finished and render_time(step.finished),
        "jobID": step.job,
        "command": step.command or None,
    }
    if step.exit_code is not None and step.exit_code < 0:
        document["signal"] = -step.exit_code
    else:
        document["exitCode"] = step.exit_code
    if step.cpu_s is not None:
        document["cpuSeconds"] = round(step.cpu_s, 6)
    document["peakMemoryBytes"] = step.peak_bytes
    document["log"] = list(step.tail) or None
    return {name: value for name, value in document.items() if value is not None}


def render_change(step: Step) -> JsonObject:
    """A step as an event reports it: without the members that may be long."""
    return {name: value for name, value in render_step(step).items() if name not in ("command", "log")}


def render_stored(step: Step) -> JsonObject:
    """A step as stores keep it; `parse_stored` reads it back, equal."""
    document = {
        "number": step.number,
        "name": step.name,
        "status": str(step.status),
        "started": step.started and step.started.isoformat(),
        "finished": step.finished and step.finished.isoformat(),
        "command": step.command,
        "exit": step.exit_code,
        "message": step.message,
        "cpu": step.cpu_s,
        "peak": step.peak_bytes,
        "tail": list(step.tail),
        "job": step.job,
    }
    return {name: value for name, value in document.items() if value not in (None, "", [])}


def parse_stored(document: JsonObject) -> Step:
    """Read what `render_stored` wrote. Raises: KeyError, TypeError, ValueError."""
    return Step(
        document["number"],
        document["name"],
        StepStatus(document["status"]),
        _moment(document.get("started")),
        _moment(document.get("finished")),
        document.get("command", ""),
        document.get("exit"),
        document.get("message", ""),
        document.get("cpu"),
        document.get("peak"),
        tuple(document.get("tail", ())),
        document.get("job"),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
