"""Domain <-> row."""

from datetime import datetime

from sqlalchemy import Row

from weaver_like.domain.job import Callback, Job, JobDocuments, LogEntry, NewJob, StoredJob, WaitingCallback
from weaver_like.domain.package import Package, Revision
from weaver_like.domain.schedule import Schedule
from weaver_like.domain.status import Status
from weaver_like.schemas import description
from weaver_like.schemas.execution import parse_stored, render_execution
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.stores.codec import (
    dump_error,
    dump_followers,
    dump_results,
    dump_subscriber,
    load_error,
    load_followers,
    load_results,
    place_of,
    to_micros,
    to_moment,
)

#: Of a job that is added; its other columns come with its life.
JOB_COLUMNS = (
    "id",
    "process",
    "status",
    "created",
    "updated",
    "progress",
    "message",
    "priority",
    "place",
    "attempt",
    "losses",
    "parent",
    "title",
    "base_url",
    "queue",
)


def job_row(job: Job, ageing_s: float) -> dict:
    created = to_micros(job.created)
    return {
        "id": job.id,
        "process": job.process_id,
        "status": str(job.status),
        "created": created,
        "updated": to_micros(job.updated),
        "progress": job.progress,
        "message": job.message,
        "priority": job.priority,
        "place": place_of(created, job.priority, ageing_s),
        "attempt": job.attempt,
        "losses": job.losses,
        "parent": job.parent_id,
        "title": job.title,
        "base_url": job.base_url,
        "queue": job.queue,
    }


def documents_row(new: NewJob) -> dict:
    return {
        "job": new.job.id,
        "execution": dumps(render_execution(new.execution)),
        "followers": dump_followers(new.followers),
        "subscriber": dump_subscriber(new.execution.subscriber),
    }


def stored_job_row(stored: StoredJob) -> dict:
    job = stored.job
    return job_row(job, 0) | {
        "place": stored.place,
        "started": _micros(job.started),
        "finished": _micros(job.finished),
        "worker": job.worker,
        "lease": _micros(stored.lease),
    }


def stored_documents_row(stored: StoredJob) -> dict:
    kept = stored.documents
    return documents_row(NewJob(stored.job, kept.execution, kept.followers)) | {
        "results": dump_results(kept.results) if kept.results else None,
        "error": dump_error(kept.error),
        "traceback": kept.traceback,
        "statistics": dumps(kept.statistics) if kept.statistics else None,
    }


def stored_callback_rows(stored: StoredJob) -> list[dict]:
    return [
        {
            "job": stored.job.id,
            "kind": waiting.kind,
            "uri": waiting.uri,
            "attempts": waiting.attempts,
            "due": to_micros(waiting.due),
        }
        for waiting in stored.callbacks
    ]


def entry_row(job_id: str, number: int, entry: LogEntry) -> dict:
    return {
        "job": job_id,
        "number": number,
        "at": to_micros(entry.at),
        "level": entry.level,
        "percent": entry.percent,
        "message": entry.message,
    }


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def row_job(row: Row) -> Job:
    return Job(
        row.id,
        row.process,
        Status(row.status),
        to_moment(row.created),
        to_moment(row.updated),
        to_moment(row.started),
        to_moment(row.finished),
        row.progress,
        row.message,
        row.priority,
        row.attempt,
        row.losses,
        row.worker,
        row.parent,
        row.title,
        row.base_url,
        row.queue,
    )


def row_documents(row: Row) -> JobDocuments:
    return JobDocuments(
        parse_stored(loads(row.execution)),
        load_results(row.results),
        load_error(row.error),
        row.traceback,
        loads(row.statistics) if row.statistics else None,
        load_followers(row.followers),
    )


def row_entry(row: Row) -> LogEntry:
    return LogEntry(to_moment(row.at), row.level, row.message, row.percent, row.number)


def row_waiting(row: Row) -> WaitingCallback:
    return WaitingCallback(row.kind, row.uri, row.attempts, to_moment(row.due))


def row_callback(row: Row) -> Callback:
    return Callback(row.id, row.job, row.kind, row.uri, row.attempts)


def schedule_row(schedule: Schedule) -> dict:
    return {
        "id": schedule.id,
        "process": schedule.process_id,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "execution": dumps(render_execution(schedule.execution)),
        "created": to_micros(schedule.created),
        "due": to_micros(schedule.due),
        "fired": to_micros(schedule.last_fired) if schedule.last_fired else None,
        "job": schedule.last_job_id,
        "failure": schedule.failure,
        "base_url": schedule.base_url,
    }


def row_schedule(row: Row) -> Schedule:
    return Schedule(
        row.id,
        row.process,
        row.cron,
        row.time_zone,
        parse_stored(loads(row.execution)),
        to_moment(row.created),
        to_moment(row.due),
        to_moment(row.fired),
        row.job,
        row.failure,
        row.base_url,
    )


def revision_row(revision: Revision) -> dict:
    """Without the package's content."""
    process_id, version = revision.key
    return {
        "process": process_id,
        "version": version,
        "deployed": to_micros(revision.deployed),
        "media_type": revision.package.media_type,
        "description": dumps(description.render_stored(revision.process)),
    }


def row_revision(row: Row) -> Revision:
    return Revision(
        description.parse_stored(loads(row.description)), Package(row.media_type, row.package), to_moment(row.deployed)
    )
