"""Domain <-> row."""

from datetime import datetime
from typing import Any

from weaver_like.domain.job import Callback, Job, JobDocuments, LogEntry, NewJob, StoredJob, WaitingCallback, micros_of
from weaver_like.domain.package import Package, Revision
from weaver_like.domain.schedule import Schedule
from weaver_like.domain.status import Status
from weaver_like.schemas import description
from weaver_like.schemas.execution import parse_stored, render_execution
from weaver_like.schemas.jsontext import dumps
from weaver_like.stores.codec import (
    dump_error,
    dump_followers,
    dump_results,
    dump_statistics,
    dump_subscriber,
    load_error,
    load_followers,
    load_json,
    load_results,
    load_statistics,
    moment_of,
    place_of,
)
from weaver_like.stores.sql.types import AnyRow

#: Columns of a new job; the others are filled in the course of its life.
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
    "owner",
    "visibility",
)
#: Columns of the documents of a new job.
DOCUMENT_COLUMNS = ("job", "execution", "followers", "subscriber")


def job_row(job: Job, ageing_s: float) -> dict[str, Any]:
    """A new job: values for `JOB_COLUMNS`."""
    created = micros_of(job.created)
    return {
        "id": job.id,
        "process": job.process_id,
        "status": str(job.status),
        "created": created,
        "updated": micros_of(job.updated),
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
        "owner": job.owner,
        "visibility": job.visibility,
    }


def documents_row(new: NewJob) -> dict[str, Any]:
    """Documents of a new job: values for `DOCUMENT_COLUMNS`."""
    return {
        "job": new.job.id,
        "execution": dumps(render_execution(new.execution)),
        "followers": dump_followers(new.followers),
        "subscriber": dump_subscriber(new.execution.subscriber),
    }


def stored_job_row(stored: StoredJob) -> dict[str, Any]:
    """A job that comes from another store."""
    job = stored.job
    return job_row(job, 0) | {
        "place": stored.place,
        "started": _micros(job.started),
        "finished": _micros(job.finished),
        "worker": job.worker,
        "lease": _micros(stored.lease),
    }


def stored_documents_row(stored: StoredJob) -> dict[str, Any]:
    """Documents of a job that comes from another store."""
    kept = stored.documents
    return documents_row(NewJob(stored.job, kept.execution, kept.followers)) | {
        "results": dump_results(kept.results) if kept.results else None,
        "error": dump_error(kept.error),
        "traceback": kept.traceback,
        "statistics": dump_statistics(kept.statistics),
    }


def stored_callback_rows(stored: StoredJob) -> list[dict[str, Any]]:
    """Callbacks of a job that comes from another store."""
    return [
        {
            "job": stored.job.id,
            "kind": waiting.kind,
            "uri": waiting.uri,
            "attempts": waiting.attempts,
            "due": micros_of(waiting.due),
        }
        for waiting in stored.callbacks
    ]


def entry_row(job_id: str, number: int, entry: LogEntry) -> dict[str, Any]:
    """A line of a log."""
    return {
        "job": job_id,
        "number": number,
        "at": micros_of(entry.at),
        "level": entry.level,
        "percent": entry.percent,
        "message": entry.message,
    }


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros_of(moment)


def row_job(row: AnyRow) -> Job:
    """The job of a row with all columns of the table."""
    return Job(
        row.id,
        row.process,
        Status(row.status),
        moment_of(row.created),
        moment_of(row.updated),
        moment_of(row.started),
        moment_of(row.finished),
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
        row.owner,
        row.visibility,
    )


def row_documents(row: AnyRow) -> JobDocuments:
    """The documents of a job."""
    return JobDocuments(
        parse_stored(load_json(row.execution)),
        load_results(row.results),
        load_error(row.error),
        row.traceback,
        load_statistics(row.statistics),
        load_followers(row.followers),
    )


def row_entry(row: AnyRow) -> LogEntry:
    """A line of a log."""
    return LogEntry(moment_of(row.at), row.level, row.message, row.percent, row.number)


def row_waiting(row: AnyRow) -> WaitingCallback:
    """A callback, as it is copied with its job."""
    return WaitingCallback(row.kind, row.uri, row.attempts, moment_of(row.due))


def row_callback(row: AnyRow) -> Callback:
    """A callback, as it is delivered."""
    return Callback(row.id, row.job, row.kind, row.uri, row.attempts)


def schedule_row(schedule: Schedule) -> dict[str, Any]:
    """A schedule."""
    return {
        "id": schedule.id,
        "process": schedule.process_id,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "execution": dumps(render_execution(schedule.execution)),
        "created": micros_of(schedule.created),
        "due": micros_of(schedule.due),
        "fired": _micros(schedule.last_fired),
        "job": schedule.last_job_id,
        "failure": schedule.failure,
        "base_url": schedule.base_url,
        "owner": schedule.owner,
        "visibility": schedule.visibility,
    }


def row_schedule(row: AnyRow) -> Schedule:
    """What `schedule_row` made."""
    return Schedule(
        row.id,
        row.process,
        row.cron,
        row.time_zone,
        parse_stored(load_json(row.execution)),
        moment_of(row.created),
        moment_of(row.due),
        moment_of(row.fired),
        row.job,
        row.failure,
        row.base_url,
        row.owner,
        row.visibility,
    )


def revision_row(revision: Revision) -> dict[str, Any]:
    """A revision without the package's content."""
    process_id, version = revision.key
    return {
        "process": process_id,
        "version": version,
        "deployed": micros_of(revision.deployed),
        "media_type": revision.package.media_type,
        "owner": revision.owner,
        "visibility": revision.visibility,
        "description": dumps(description.render_stored(revision.process)),
    }


def row_revision(row: AnyRow) -> Revision:
    """A revision with its package."""
    process = description.parse_stored(load_json(row.description))
    package = Package(row.media_type, row.package)
    return Revision(process, package, moment_of(row.deployed), row.owner, row.visibility)
