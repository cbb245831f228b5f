"""Domain <-> documents.

Times are integers: microseconds since 1970, UTC. JSON values are kept as text, so that they stay unchanged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import bson

from weaver_like.domain.errors import TooLarge
from weaver_like.domain.execution import Execution, Subscriber
from weaver_like.domain.job import (
    Claim,
    Job,
    JobDocuments,
    LogEntry,
    NewJob,
    Outcome,
    StoredJob,
    WaitingCallback,
    micros_of,
)
from weaver_like.domain.package import Package, Revision
from weaver_like.domain.requester import PUBLIC, Requester
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
    load_error,
    load_followers,
    load_json,
    load_results,
    load_statistics,
    moment_of,
    place_of,
    visible_to,
)
from weaver_like.stores.mongo.connection import Collections, Document
from weaver_like.stores.mongo.outbox import new_callback
from weaver_like.stores.mongo.parts import NAMES, Parts, load_parts

#: Largest document. Source: MongoDB, "Limits and Thresholds".
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
    "owner",
    "visibility",
]


def new_document(new: NewJob, ageing_s: float, parts: Parts) -> Document:
    """A new job; absent values are left out."""
    job = new.job
    created = micros_of(job.created)
    row = {
        "_id": job.id,
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
        **ownership(job.owner, job.visibility),
        "subscriber": _subscriber(new.execution.subscriber),
    }
    large = {"execution": dumps(render_execution(new.execution)), "followers": dump_followers(new.followers)}
    return _filled(row) | parts.put(job.id, large)


def ownership(owner: str, visibility: str) -> Document:
    """Owner and visibility of a record; left out, as in older releases, if it has no owner and is public."""
    fields: Document = {}
    if owner:
        fields["owner"] = owner
    if visibility != PUBLIC:
        fields["visibility"] = visibility
    return fields


def seen(requester: Requester) -> Document:
    """Filter of the records that a requester sees."""
    return {"$or": [{"visibility": {"$in": [None, *visible_to(requester)]}}, {"owner": requester.id}]}


def _subscriber(subscriber: Subscriber | None) -> Document | None:
    """The URIs to call at the end of a job, kept apart so that its end need not read its inputs."""
    if subscriber is None:
        return None
    return _filled({"success": subscriber.success_uri, "failed": subscriber.failed_uri})


def stored_document(stored: StoredJob, parts: Parts) -> Document:
    """A job that comes from another store."""
    job, kept = stored.job, stored.documents
    times = {"started": job.started, "finished": job.finished, "lease": stored.lease}
    callbacks = [
        new_callback(waiting.kind, waiting.uri, micros_of(waiting.due)) | {"attempts": waiting.attempts}
        for waiting in stored.callbacks
    ]
    row = {name: micros_of(moment) for name, moment in times.items() if moment is not None} | {
        "place": stored.place,
        "worker": job.worker,
        "callbacks": callbacks or None,
        "lines": max((entry.number for entry in stored.log), default=0),
    }
    outcome = Outcome(kept.results, kept.error, kept.traceback, kept.statistics)
    document = new_document(NewJob(job, kept.execution, kept.followers), 0, parts)
    return document | _filled(row) | parts.put(job.id, outcome_parts(outcome))


def read_stored(found: Collections, row: Mapping[str, Any], log: Sequence[LogEntry]) -> StoredJob:
    """A job to be copied to another store, without its steps."""
    callbacks = sorted(row.get("callbacks") or (), key=lambda entry: entry["due"])
    return StoredJob(
        read_job(row),
        read_documents(found, row),
        row["place"],
        moment_of(row.get("lease")),
        tuple(log),
        tuple(
            WaitingCallback(entry["kind"], entry["uri"], entry["attempts"], moment_of(entry["due"]))
            for entry in callbacks
        ),
    )


def _filled(row: Document) -> Document:
    return {name: value for name, value in row.items() if value is not None}


def outcome_parts(outcome: Outcome) -> dict[str, bytes | None]:
    """The large values of an outcome."""
    return {
        "results": dump_results(outcome.results),
        "error": dump_error(outcome.error),
        "traceback": outcome.traceback.encode() if outcome.traceback else None,
        "statistics": dump_statistics(outcome.statistics),
    }


def read_job(row: Mapping[str, Any]) -> Job:
    """A job of a document with `JOB_FIELDS`."""
    return Job(
        row["_id"],
        row["process"],
        Status(row["status"]),
        moment_of(row["created"]),
        moment_of(row["updated"]),
        moment_of(row.get("started")),
        moment_of(row.get("finished")),
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
        row.get("owner", ""),
        row.get("visibility", PUBLIC),
    )


def read_claim(found: Collections, row: Mapping[str, Any]) -> Claim:
    """A job that was just claimed."""
    parts = load_parts(found, row, ("execution", "followers"))
    return Claim(read_job(row), _load_execution(parts["execution"]), load_followers(parts["followers"]))


def read_documents(found: Collections, row: Mapping[str, Any]) -> JobDocuments:
    """The large parts of a job."""
    parts = load_parts(found, row, NAMES)
    return JobDocuments(
        _load_execution(parts["execution"]),
        load_results(parts["results"]),
        load_error(parts["error"]),
        parts["traceback"].decode() if parts["traceback"] else None,
        load_statistics(parts["statistics"]),
        load_followers(parts["followers"]),
    )


def _load_execution(text: bytes | None) -> Execution:
    assert text is not None, "every job has an execution"
    return parse_stored(load_json(text))


def entry_row(entry: LogEntry) -> Document:
    """A line of a log, without its number."""
    return _filled(
        {"at": micros_of(entry.at), "level": entry.level, "message": entry.message, "percent": entry.percent}
    )


def read_entry(row: Mapping[str, Any]) -> LogEntry:
    """A line of a log."""
    return LogEntry(moment_of(row["at"]), row["level"], row["message"], row.get("percent"), row["number"])


def schedule_document(schedule: Schedule) -> Document:
    """A schedule; absent values are left out."""
    return _filled(
        {
            "_id": schedule.id,
            "process": schedule.process_id,
            "cron": schedule.cron,
            "time_zone": schedule.time_zone,
            "execution": dumps(render_execution(schedule.execution)),
            "created": micros_of(schedule.created),
            "due": micros_of(schedule.due),
            "fired": micros_of(schedule.last_fired) if schedule.last_fired else None,
            "job": schedule.last_job_id,
            "failure": schedule.failure,
            "base_url": schedule.base_url,
            **ownership(schedule.owner, schedule.visibility),
        }
    )


def read_schedule(row: Mapping[str, Any]) -> Schedule:
    """What `schedule_document` made."""
    return Schedule(
        row["_id"],
        row["process"],
        row["cron"],
        row["time_zone"],
        parse_stored(load_json(row["execution"])),
        moment_of(row["created"]),
        moment_of(row["due"]),
        moment_of(row.get("fired")),
        row.get("job"),
        row.get("failure"),
        row["base_url"],
        row.get("owner", ""),
        row.get("visibility", PUBLIC),
    )


def revision_document(revision: Revision, tag: str, written: int) -> Document:
    """A revision under its tag. written: when it was stored, in microseconds."""
    return {
        "_id": tag,
        "written": written,
        "deployed": micros_of(revision.deployed),
        "description": dumps(description.render_stored(revision.process)),
        "media_type": revision.package.media_type,
        "package": revision.package.content,
        **ownership(revision.owner, revision.visibility),
    }


def revision_entry(revision: Revision, tag: str) -> Document:
    """A revision as the offer lists it."""
    process_id, version = revision.key
    return {
        "process": process_id,
        "version": version,
        "deployed": micros_of(revision.deployed),
        "tag": tag,
        **ownership(revision.owner, revision.visibility),
    }


def read_revision(row: Mapping[str, Any]) -> Revision:
    """A revision with its package."""
    return Revision(
        description.parse_stored(load_json(row["description"])),
        Package(row["media_type"], row["package"]),
        moment_of(row["deployed"]),
        row.get("owner", ""),
        row.get("visibility", PUBLIC),
    )


def fitting(document: Document, otherwise: str, room_bytes: int = 0) -> Document:
    """The same document, if the database accepts its size.

    The driver lets documents pass that are too large by some kilobytes; the server has no specific error for them.

    Args:
        otherwise: the text of the error.
        room_bytes: for values that are added to the document later.
    Raises: TooLarge.
    """
    if len(bson.encode(document)) > _MOST_BYTES - room_bytes:
        raise TooLarge(otherwise)
    return document
