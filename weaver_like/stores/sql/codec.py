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
from weaver_like.stores.sql.statement import Row
from weaver_like.stores.sql.tables import jobs

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
#: How many columns the table of jobs has.
JOB_WIDTH = len(jobs.c)
_STATUSES = {str(status): status for status in Status}
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


def row_job(row: Row) -> Job:
    """The job of a row with all columns of the table; more may follow."""
    return row_placed_job(row)[0]


def row_placed_job(row: Row) -> tuple[Job, int, int | None]:
    """The job of such a row, its place in the queue, and the end of its lease."""
    (
        job_id,
        process_id,
        status,
        created,
        updated,
        started,
        finished,
        progress,
        message,
        priority,
        place,
        attempt,
        losses,
        worker,
        lease,
        parent_id,
        title,
        base_url,
        queue,
        owner,
        visibility,
    ) = row[:JOB_WIDTH]
    job = Job(
        job_id,
        process_id,
        _STATUSES[status],
        moment_of(created),
        moment_of(updated),
        moment_of(started),
        moment_of(finished),
        progress,
        message,
        priority,
        attempt,
        losses,
        worker,
        parent_id,
        title,
        base_url,
        queue,
        owner,
        visibility,
    )
    return job, place, lease


def row_documents(row: Row) -> JobDocuments:
    """The documents of a job."""
    _job_id, execution, _subscriber, followers, results, error, traceback, statistics = row
    return JobDocuments(
        parse_stored(load_json(execution)),
        load_results(results),
        load_error(error),
        traceback,
        load_statistics(statistics),
        load_followers(followers),
    )


def row_entry(row: Row) -> LogEntry:
    """A line of a log."""
    _job_id, number, at, level, percent, message = row
    return LogEntry(moment_of(at), level, message, percent, number)


def row_waiting(row: Row) -> WaitingCallback:
    """A callback, as it is copied with its job."""
    _callback_id, _job_id, kind, uri, attempts, due = row
    return WaitingCallback(kind, uri, attempts, moment_of(due))


def row_callback(row: Row) -> Callback:
    """A callback, as it is delivered."""
    callback_id, job_id, kind, uri, attempts, _due = row
    return Callback(callback_id, job_id, kind, uri, attempts)


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


def row_schedule(row: Row) -> Schedule:
    """What `schedule_row` made."""
    (
        schedule_id,
        process_id,
        cron,
        time_zone,
        execution,
        created,
        due,
        fired,
        job_id,
        failure,
        base_url,
        owner,
        visibility,
    ) = row
    return Schedule(
        schedule_id,
        process_id,
        cron,
        time_zone,
        parse_stored(load_json(execution)),
        moment_of(created),
        moment_of(due),
        moment_of(fired),
        job_id,
        failure,
        base_url,
        owner,
        visibility,
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


def row_revision(row: Row) -> Revision:
    """A revision with its package."""
    _process_id, _version, deployed, media_type, owner, visibility, stored, content = row
    process = description.parse_stored(load_json(stored))
    return Revision(process, Package(media_type, content), moment_of(deployed), owner, visibility)
