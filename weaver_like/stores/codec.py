"""Domain <-> the texts and numbers that every store keeps: JSON, and microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta
from typing import Any, overload

from weaver_like.domain.errors import Fault, NoSuchJob, WeaverError, restore
from weaver_like.domain.execution import Subscriber
from weaver_like.domain.formats import Format
from weaver_like.domain.job import Follower
from weaver_like.domain.requester import PUBLIC, Requester, group_visibility
from weaver_like.domain.results import Result
from weaver_like.schemas.execution import parse_stored, render_execution
from weaver_like.schemas.inputs import render_format
from weaver_like.schemas.jsontext import dumps, loads

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@overload
def moment_of(micros: int) -> datetime: ...
@overload
def moment_of(micros: int | None) -> datetime | None: ...
def moment_of(micros: int | None) -> datetime | None:
    """The moment that many microseconds after 1970; None for None. The inverse of `domain.job.micros_of`."""
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def place_of(created: int, priority: int, ageing_s: float) -> int:
    """Place in the queue: microseconds of the submission plus level times ageing; the smallest is the most urgent."""
    return created + int(priority * ageing_s * 1e6)


def no_such_job(job_id: str) -> NoSuchJob:
    """The error for an id that no job has. job_id: any text that a client sent."""
    return NoSuchJob(f"There is no job '{job_id[:100]}'.")


def visible_to(requester: Requester) -> list[str]:
    """Every visibility that lets a requester see a record of another owner. Source: `Requester.sees`."""
    return [PUBLIC, *(group_visibility(name) for name in sorted(requester.groups))]


def load_json(text: bytes) -> Any:
    """The value of a JSON text that a store wrote; the caller knows its shape."""
    return loads(text)


def dump_subscriber(subscriber: Subscriber | None) -> bytes | None:
    """The URIs to call at the end of a job, kept apart so that its end need not read its inputs."""
    return dumps([subscriber.success_uri, subscriber.failed_uri]) if subscriber else None


def load_subscriber(text: bytes, successful: bool) -> str | None:
    """The URI to call at a success or at another end."""
    success_uri, failed_uri = load_json(text)
    uri: str | None = success_uri if successful else failed_uri
    return uri


def dump_results(results: tuple[Result, ...]) -> bytes:
    """Results as JSON; `load_results` reads them back."""
    return dumps(
        [
            {
                "output": result.output,
                "value": result.value,
                "path": result.path,
                "format": render_format(result.format),
                "size": result.size_bytes,
                "index": result.index,
                "references": result.references,
            }
            for result in results
        ]
    )


def load_results(text: bytes | None) -> tuple[Result, ...]:
    """What `dump_results` wrote, also in releases without references."""
    if not text:
        return ()
    return tuple(
        Result(
            entry["output"],
            entry["value"],
            entry["path"],
            _load_format(entry["format"]),
            entry["size"],
            entry["index"],
            tuple(tuple(where) for where in entry.get("references", ())),
        )
        for entry in load_json(text)
    )


def _load_format(entry: dict[str, Any]) -> Format:
    return Format(entry.get("mediaType"), entry.get("encoding"), entry.get("schema"))


def dump_error(error: WeaverError | None) -> bytes | None:
    """An error as JSON; `load_error` restores it."""
    if error is None:
        return None
    return dumps(
        {
            "name": type(error).__name__,
            "detail": error.detail,
            "faults": [[fault.pointer, fault.detail] for fault in error.faults],
        }
    )


def load_error(text: bytes | None) -> WeaverError | None:
    """What `dump_error` wrote."""
    if not text:
        return None
    entry = load_json(text)
    return restore(entry["name"], entry["detail"], [Fault(*fault) for fault in entry["faults"]])


def dump_followers(followers: tuple[Follower, ...]) -> bytes | None:
    """The rest of a chain as JSON; None for the end of it."""
    if not followers:
        return None
    return dumps([[follower.process_id, render_execution(follower.execution)] for follower in followers])


def load_followers(text: bytes | None) -> tuple[Follower, ...]:
    """What `dump_followers` wrote."""
    if not text:
        return ()
    return tuple(Follower(process_id, parse_stored(execution)) for process_id, execution in load_json(text))


def dump_statistics(statistics: dict[str, Any] | None) -> bytes | None:
    """Statistics as JSON; None for none."""
    return dumps(statistics) if statistics else None


def load_statistics(text: bytes | None) -> dict[str, Any] | None:
    """What `dump_statistics` wrote."""
    if not text:
        return None
    statistics: dict[str, Any] = load_json(text)
    return statistics
