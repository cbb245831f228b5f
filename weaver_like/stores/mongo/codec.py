"""Domain <-> documents. Times are integers: microseconds since 1970, UTC. What JSON holds is kept as its text, so that it stays as it is."""

from collections.abc import Mapping, Sequence

import bson

from weaver_like.domain.errors import TooLarge
from weaver_like.domain.job import Claim, Job, JobDocuments, LogEntry, NewJob, Outcome, StoredJob, WaitingCallback
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
    load_error,
    load_followers,
    load_results,
    place_of,
    to_micros,
    to_moment,
)
from weaver_like.stores.mongo.connection import Collections
from weaver_like.stores.mongo.outbox import new_callback
from weaver_like.stores.mongo.parts import NAMES, Parts, load_parts

#: Of a document. Source: MongoDB, "Limits and Thresholds".
_MOST_BYTES = 16 * 2**20
#: The fields that a `Job` is made of: a list reads nothing else.
JOB_FIELDS = [
    "process",
    "status",
    "created",
    "updated",
    "started",
    "finished",
    "progress",
    "message",
    "priority",
    "attempt",
    "losses",
    "worker",
    "parent",
    "title",
    "base_url",
    "queue",
]


def new_document(new: NewJob, ageing_s: float, parts: Parts) -> dict:
    """A job that has just been submitted; what it does not have is left out."""
    job, subscriber = new.job, new.execution.subscriber
    created = to_micros(job.created)
    row = {
        "_id": job.id,
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
        "subscriber": _filled({"success": subscriber.success_uri, "failed": subscriber.failed_uri})
        if subscriber
        else None,
    }
    return _filled(row) | parts.put(
        job.id, {"execution": dumps(render_execution(new.execution)), "followers": dump_followers(new.followers)}
    )


def stored_document(stored: StoredJob, parts: Parts) -> dict:
    """A job that comes from another store."""
    job, kept = stored.job, stored.documents
    times = {"started": job.started, "finished": job.finished, "lease": stored.lease}
    callbacks = [
        new_callback(waiting.kind, waiting.uri, to_micros(waiting.due)) | {"attempts": waiting.attempts}
        for waiting in stored.callbacks
    ]
    outcome = outcome_parts(Outcome(kept.results, kept.error, kept.traceback, kept.statistics))
    row = {name: to_micros(moment) for name, moment in times.items() if moment is not None} | {
        "place": stored.place,
        "worker": job.worker,
        "callbacks": callbacks or None,
        "lines": max((entry.number for entry in stored.log), default=0),
    }
    return (
        new_document(NewJob(job, kept.execution, kept.followers), 0, parts) | _filled(row) | parts.put(job.id, outcome)
    )


def read_stored(found: Collections, row: Mapping, log: Sequence[LogEntry]) -> StoredJob:
    callbacks = sorted(row.get("callbacks") or (), key=lambda entry: entry["due"])
    return StoredJob(
        read_job(row),
        read_documents(found, row),
        row["place"],
        to_moment(row.get("lease")),
        tuple(log),
        tuple(
            WaitingCallback(entry["kind"], entry["uri"], entry["attempts"], to_moment(entry["due"]))
            for entry in callbacks
        ),
    )


def _filled(row: dict) -> dict:
    return {name: value for name, value in row.items() if value is not None}


def outcome_parts(outcome: Outcome) -> dict[str, bytes | None]:
    return {
        "results": dump_results(outcome.results),
        "error": dump_error(outcome.error),
        "traceback": outcome.traceback.encode() if outcome.traceback else None,
        "statistics": dumps(outcome.statistics) if outcome.statistics else None,
    }


def read_job(row: Mapping) -> Job:
    return Job(
        row["_id"],
        row["process"],
        Status(row["status"]),
        to_moment(row["created"]),
        to_moment(row["updated"]),
        to_moment(row.get("started")),
        to_moment(row.get("finished")),
        row["progress"],
        row["message"],
        row["priority"],
        row["attempt"],
        row["losses"],
        row.get("worker"),
        row.get("parent"),
        row.get("title"),
        row["base_url"],
        row["queue"],
    )


def read_claim(found: Collections, row: Mapping) -> Claim:
    parts = load_parts(found, row, ("execution", "followers"))
    return Claim(read_job(row), parse_stored(loads(parts["execution"])), load_followers(parts["followers"]))


def read_documents(found: Collections, row: Mapping) -> JobDocuments:
    parts = load_parts(found, row, NAMES)
    return JobDocuments(
        parse_stored(loads(parts["execution"])),
        load_results(parts["results"]),
        load_error(parts["error"]),
        parts["traceback"].decode() if parts["traceback"] else None,
        loads(parts["statistics"]) if parts["statistics"] else None,
        load_followers(parts["followers"]),
    )


def entry_row(entry: LogEntry) -> dict:
    """Without its number."""
    return _filled(
        {"at": to_micros(entry.at), "level": entry.level, "message": entry.message, "percent": entry.percent}
    )


def read_entry(row: Mapping) -> LogEntry:
    return LogEntry(to_moment(row["at"]), row["level"], row["message"], row.get("percent"), row["number"])


def schedule_document(schedule: Schedule) -> dict:
    return _filled(
        {
            "_id": schedule.id,
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
    )


def read_schedule(row: Mapping) -> Schedule:
    return Schedule(
        row["_id"],
        row["process"],
        row["cron"],
        row["time_zone"],
        parse_stored(loads(row["execution"])),
        to_moment(row["created"]),
        to_moment(row["due"]),
        to_moment(row.get("fired")),
        row.get("job"),
        row.get("failure"),
        row["base_url"],
    )


def revision_document(revision: Revision, tag: str, written: int) -> dict:
    process, package = description.render_stored(revision.process), revision.package
    return {
        "_id": tag,
        "written": written,
        "deployed": to_micros(revision.deployed),
        "description": dumps(process),
        "media_type": package.media_type,
        "package": package.content,
    }


def read_revision(row: Mapping) -> Revision:
    return Revision(
        description.parse_stored(loads(row["description"])),
        Package(row["media_type"], row["package"]),
        to_moment(row["deployed"]),
    )


def fitting(document: dict, otherwise: str, room_bytes: int = 0) -> dict:
    """The same. room_bytes: for what comes into the document later.

    Raises: TooLarge, which says `otherwise`; the driver leaves the last kilobytes to the server, which has no error of its own for them.
    """
    if len(bson.encode(document)) > _MOST_BYTES - room_bytes:
        raise TooLarge(otherwise)
    return document
