"""Domain <-> row."""
from datetime import UTC, datetime, timedelta

from sqlalchemy import Row

from weaver_like.domain.errors import Fault, WeaverError, restore
from weaver_like.domain.formats import Format
from weaver_like.domain.job import Callback, Follower, Job, JobDocuments, LogEntry, NewJob
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.schemas.execute import parse_stored, render_execution, render_format
from weaver_like.schemas.jsontext import dumps, loads

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def to_moment(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def job_row(job: Job, ageing_s: float) -> dict:
    created = to_micros(job.created)
    return {"id": job.id, "process": job.process_id, "status": str(job.status), "created": created, "updated": to_micros(job.updated),
            "progress": job.progress, "message": job.message, "priority": job.priority,
            "place": created + int(job.priority * ageing_s * 1e6), "attempt": job.attempt, "losses": job.losses, "parent": job.parent_id,
            "title": job.title, "base_url": job.base_url}


def documents_row(new: NewJob) -> dict:
    subscriber = new.execution.subscriber
    return {"job": new.job.id, "execution": dumps(render_execution(new.execution)), "followers": _dump_followers(new.followers),
            "subscriber": dumps([subscriber.success_uri, subscriber.failed_uri]) if subscriber else None}


def row_job(row: Row) -> Job:
    return Job(row.id, row.process, Status(row.status), to_moment(row.created), to_moment(row.updated), to_moment(row.started),
               to_moment(row.finished), row.progress, row.message, row.priority, row.attempt, row.losses, row.worker, row.parent, row.title, row.base_url)


def row_documents(row: Row) -> JobDocuments:
    return JobDocuments(
        parse_stored(loads(row.execution)), load_results(row.results), load_error(row.error), row.traceback,
        loads(row.statistics) if row.statistics else None, load_followers(row.followers))


def row_entry(row: Row) -> LogEntry:
    return LogEntry(to_moment(row.at), row.level, row.message, row.percent, row.number)


def row_callback(row: Row) -> Callback:
    return Callback(row.id, row.job, row.kind, row.uri, row.attempts)


def dump_results(results: tuple[Result, ...]) -> bytes:
    return dumps([{"output": result.output, "value": result.value, "path": result.path, "format": render_format(result.format),
                   "size": result.size_bytes, "index": result.index} for result in results])


def load_results(text: bytes | None) -> tuple[Result, ...]:
    if not text:
        return ()
    return tuple(Result(entry["output"], entry["value"], entry["path"], _load_format(entry["format"]), entry["size"], entry["index"])
                 for entry in loads(text))


def _load_format(entry: dict) -> Format:
    return Format(entry.get("mediaType"), entry.get("encoding"), entry.get("schema"))


def dump_error(error: WeaverError | None) -> bytes | None:
    if error is None:
        return None
    return dumps({"name": type(error).__name__, "detail": error.detail, "faults": [[fault.pointer, fault.detail] for fault in error.faults]})


def load_error(text: bytes | None) -> WeaverError | None:
    if not text:
        return None
    entry = loads(text)
    return restore(entry["name"], entry["detail"], [Fault(*fault) for fault in entry["faults"]])


def _dump_followers(followers: tuple[Follower, ...]) -> bytes | None:
    if not followers:
        return None
    return dumps([[follower.process_id, render_execution(follower.execution)] for follower in followers])


def load_followers(text: bytes | None) -> tuple[Follower, ...]:
    return tuple(Follower(process_id, parse_stored(execution)) for process_id, execution in loads(text)) if text else ()
