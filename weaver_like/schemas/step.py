"""Steps of jobs: JSON <-> domain."""

from dataclasses import replace
from datetime import UTC, datetime

from weaver_like.domain.masks import clean
from weaver_like.domain.step import MAX_STEPS, Step, StepStatus
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.times import render_time

_MOST_LINES, _LONGEST_LINE = 20, 1000


def render_step(step: Step) -> JsonObject:
    """A step as an entry of /jobs/{id}/steps; members without a value are left out."""
    document: JsonObject = {
        "number": step.number,
        "name": step.name,
        "status": str(step.status),
        "message": step.message or None,
        "started": step.started and render_time(step.started),
        "finished": step.finished and render_time(step.finished),
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
    """A step as stores keep it and as the child reports it; `parse_stored` reads it back, equal."""
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
    )


def parse_told(document: object) -> Step | None:
    """Read a step that the child reports; its texts are masked and shortened.

    None for anything that is not a step, and for steps beyond `MAX_STEPS`.
    """
    if not isinstance(document, dict):
        return None
    try:
        step = parse_stored(document)
        if type(step.number) is not int or not 1 <= step.number <= MAX_STEPS or not step.name:
            return None
        return replace(
            step,
            name=clean(step.name, 255),
            command=clean(step.command, 4000),
            message=clean(step.message, 4000),
            exit_code=_whole(step.exit_code),
            cpu_s=_number(step.cpu_s),
            peak_bytes=_whole(step.peak_bytes),
            tail=tuple(clean(line, _LONGEST_LINE) for line in step.tail[-_MOST_LINES:]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)
