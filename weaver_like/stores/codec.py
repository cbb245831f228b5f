"""Domain <-> the texts and numbers that every store keeps: JSON, and microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import Fault, WeaverError, restore
from weaver_like.domain.execution import Subscriber
from weaver_like.domain.formats import Format
from weaver_like.domain.job import Follower
from weaver_like.domain.results import Result
from weaver_like.schemas.execution import parse_stored, render_execution
from weaver_like.schemas.inputs import render_format
from weaver_like.schemas.jsontext import dumps, loads

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def to_moment(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def place_of(created: int, priority: int, ageing_s: float) -> int:
    """Place in the queue: microseconds of the submission plus level times ageing; the smallest is the most urgent."""
    return created + int(priority * ageing_s * 1e6)


def dump_subscriber(subscriber: Subscriber | None) -> bytes | None:
    """Whom to call at the end, so that the end of a job need not read its inputs."""
    return dumps([subscriber.success_uri, subscriber.failed_uri]) if subscriber else None


def load_subscriber(text: bytes | None, successful: bool) -> str | None:
    """The URI to call at a success or at another end."""
    return loads(text)[0 if successful else 1] if text else None


def dump_results(results: tuple[Result, ...]) -> bytes:
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
        for entry in loads(text)
    )


def _load_format(entry: dict) -> Format:
    return Format(entry.get("mediaType"), entry.get("encoding"), entry.get("schema"))


def dump_error(error: WeaverError | None) -> bytes | None:
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
    if not text:
        return None
    entry = loads(text)
    return restore(entry["name"], entry["detail"], [Fault(*fault) for fault in entry["faults"]])


def dump_followers(followers: tuple[Follower, ...]) -> bytes | None:
    if not followers:
        return None
    return dumps([[follower.process_id, render_execution(follower.execution)] for follower in followers])


def load_followers(text: bytes | None) -> tuple[Follower, ...]:
    return tuple(Follower(process_id, parse_stored(execution)) for process_id, execution in loads(text)) if text else ()
