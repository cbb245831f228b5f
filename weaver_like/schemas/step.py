"""Steps of jobs: JSON <-> domain."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from weaver_like.domain.masks import clean
from weaver_like.domain.step import MAX_STEPS, Step, StepStatus
from weaver_like.schemas.times import render_time

_MOST_LINES, _LINE = 20, 1000


def render_step(step: Step) -> dict[str, Any]:
    """As an entry of /jobs/{id}/steps; members without a value are left out."""
    exit_code = signal = None
    if step.exit_code is not None and step.exit_code >= 0:
        exit_code = step.exit_code
    elif step.exit_code is not None:
        signal = -step.exit_code
    document = {
        "number": step.number,
        "name": step.name,
        "status": str(step.status),
        "message": step.message or None,
        "started": step.started and render_time(step.started),
        "finished": step.finished and render_time(step.finished),
        "command": step.command or None,
        "exitCode": exit_code,
        "signal": signal,
        "cpuSeconds": None if step.cpu_s is None else round(step.cpu_s, 6),
        "peakMemoryBytes": step.peak_bytes,
        "log": list(step.tail) or None,
    }
    return {name: value for name, value in document.items() if value is not None}


def render_change(step: Step) -> dict[str, Any]:
    """As an event carries it: without what may be long."""
    return {name: value for name, value in render_step(step).items() if name not in ("command", "log")}


def render_stored(step: Step) -> dict[str, Any]:
    """As stores keep it, and as the child sends it; `parse_stored` reads it back, equal."""
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


def parse_stored(document: dict[str, Any]) -> Step:
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
    """A step as the child sends it, with foreign texts masked and shortened; None if it is none, or one too many."""
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
            cpu_s=None if step.cpu_s is None else float(step.cpu_s),
            peak_bytes=_whole(step.peak_bytes),
            tail=tuple(clean(line, _LINE) for line in step.tail[-_MOST_LINES:]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)
