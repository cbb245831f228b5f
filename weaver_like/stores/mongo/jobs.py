"""MongoJobStore: jobs on MongoDB. It needs no transactions of several documents, so a standalone server suffices."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pymongo import ReturnDocument
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

from weaver_like.domain.job import (
    Claim,
    Job,
    JobDocuments,
    JobFilter,
    JobPage,
    Move,
    NewJob,
    Report,
    micros_of,
)
from weaver_like.domain.status import Status, sources_of
from weaver_like.stores.base import JobStore
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Collections, Document, MongoDatabase
from weaver_like.stores.mongo.intake import MongoJobIntake
from weaver_like.stores.mongo.listing import list_filter
from weaver_like.stores.mongo.logs import change_with_lines, get_fields, lines_of_move
from weaver_like.stores.mongo.migrate import BY_CREATED, BY_PLACE, BY_QUEUE
from weaver_like.stores.mongo.outbox import announced
from weaver_like.stores.mongo.parts import NAMES, Parts
from weaver_like.stores.mongo.repair import release_next, repair

_FINAL = [str(status) for status in Status if status.final]
_WAITING = {"status": "accepted"}
_NEWEST_FIRST = [("created", -1), ("_id", -1)]


class MongoJobStore(JobStore):
    """One document for each job, changed as a whole by one command that compares and sets.

    Kept apart: lines of its log, its steps, and chunks of values that are too large for it.
    """

    def __init__(self, database: MongoDatabase, intake: MongoJobIntake):
        self._database = database
        self._intake = intake

    def add(self, new: NewJob, queue_limit: int) -> None:
        self._intake.add(new, queue_limit)

    def get(self, job_id: str) -> Job:
        with self._database.using() as found:
            return codec.read_job(get_fields(found, job_id, codec.JOB_FIELDS))

    def get_documents(self, job_id: str) -> JobDocuments:
        with self._database.using() as found:
            return codec.read_documents(found, get_fields(found, job_id, NAMES))

    def find(self, wanted: JobFilter) -> JobPage:
        narrowed, index = list_filter(wanted)
        most = wanted.limit + 1
        with self._database.using() as found:
            page = found.jobs.find(
                narrowed, codec.JOB_FIELDS, sort=_NEWEST_FIRST, hint=index, limit=most, batch_size=most
            )
            rows = list(page)
        return JobPage(tuple(codec.read_job(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    def claim_next(self, worker: str, lease_until: datetime, queue: str | None = None) -> Claim | None:
        first, index = _WAITING, BY_PLACE
        if queue is not None:
            first, index = _WAITING | {"queue": queue}, BY_QUEUE
        with self._database.using() as found:
            row = found.jobs.find_one_and_update(
                first,
                _claiming(worker, lease_until),
                sort=[("place", 1)],
                hint=index,
                return_document=ReturnDocument.AFTER,
            )
            return codec.read_claim(found, row) if row else None

    def claim(self, job_id: str, worker: str, lease_until: datetime) -> Claim | None:
        with self._database.using() as found:
            row = found.jobs.find_one_and_update(
                _WAITING | {"_id": job_id}, _claiming(worker, lease_until), return_document=ReturnDocument.AFTER
            )
            return codec.read_claim(found, row) if row else None

    def count_waiting(self, before: datetime) -> dict[str, int]:
        waiting: list[Document] = [
            {"$match": _WAITING | {"updated": {"$lt": micros_of(before)}}},
            {"$group": {"_id": "$queue", "count": {"$sum": 1}}},
        ]
        with self._database.using() as found:
            return {row["_id"]: row["count"] for row in found.jobs.aggregate(waiting, hint=BY_QUEUE)}

    def move(self, job_id: str, move: Move) -> bool:
        """Followers are first written into the job's document together with its success; then they are released."""
        moment = datetime.now(UTC)
        movable: Document = {"_id": job_id, "status": {"$in": [str(origin) for origin in sources_of(move.to)]}}
        if move.attempt is not None:
            movable["attempt"] = move.attempt
        with self._database.using() as found:
            if move.followers:
                _refuse_known(found, move.followers, movable)
            parts = Parts(found)
            changes = _literals(self._values(job_id, move, moment, parts))
            changes |= lines_of_move(found, movable, move.entries) | _counters(move)
            if not _swap(found, movable, move.to, micros_of(moment), changes):
                parts.drop()
                return False
            if move.followers:
                release_next(found, {"_id": job_id})
            parts.keep()
        return True

    def _values(self, job_id: str, move: Move, moment: datetime, parts: Parts) -> Document:
        """The values that a move sets."""
        values: Document = {"message": move.message}
        if move.outcome is not None:
            values |= parts.put(job_id, codec.outcome_parts(move.outcome))
        if move.followers:
            created = [replace(new, job=replace(new.job, created=moment, updated=moment)) for new in move.followers]
            values["next_jobs"] = [self._intake.document(new, parts) for new in created]
        return values

    def report(self, job_id: str, attempt: int, report: Report) -> bool:
        held = {"_id": job_id, "status": "running", "attempt": attempt, "lease": {"$exists": False}}
        changes: Document = {}
        if report.lease_until is not None:
            held["lease"] = {"$exists": True}
            changes["lease"] = micros_of(report.lease_until)
        if report.percent is not None:
            changes |= {"progress": report.percent, "updated": micros_of(datetime.now(UTC))}
        if report.message is not None:
            changes["message"] = report.message
        with self._database.using() as found:
            return change_with_lines(found, held, changes, report.entries)

    def delete(self, job_id: str) -> bool:
        """The document goes last: after a crash in between the job still exists and can be deleted again."""
        finished = {"_id": job_id, "status": {"$in": _FINAL}}
        with self._database.using() as found:
            row = found.jobs.find_one(finished, ["next_jobs._id"])
            if row is None:
                return False
            if "next_jobs" in row:
                release_next(found, {"_id": job_id})
            found.logs.delete_many({"job": job_id})
            found.steps.delete_many({"job": job_id})
            found.parts.delete_many({"job": job_id})
            return found.jobs.delete_one(finished).deleted_count == 1

    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        """A look for expired leases also completes what crashes left."""
        lost: Document = {"status": "running"}
        if worker_prefix is None:
            lost["lease"] = {"$lt": micros_of(now)}
        else:
            lost["worker"] = {"$regex": f"^{re.escape(worker_prefix)}"}
        with self._database.using() as found:
            if worker_prefix is None:
                repair(found, now)
            return [codec.read_job(row) for row in found.jobs.find(lost, codec.JOB_FIELDS)]

    def find_finished(self, before: datetime, limit: int) -> list[str]:
        moment = micros_of(before)
        # A job finishes after it was created, so the index on `created` bounds the walk.
        done = {"created": {"$lt": moment}, "finished": {"$lt": moment}, "status": {"$in": _FINAL}}
        with self._database.using() as found:
            rows = found.jobs.find(done, ["_id"], sort=[("created", 1)], hint=BY_CREATED, limit=limit)
            return [row["_id"] for row in rows]


def _claiming(worker: str, lease_until: datetime) -> list[Document]:
    """The change that gives a job to a worker."""
    # The job may have been created after this command was sent.
    now = {"$max": [micros_of(datetime.now(UTC)), "$created"]}
    claimed = {
        "status": "running",
        "message": "",
        "started": {"$ifNull": ["$started", now]},
        "updated": now,
        "worker": {"$literal": worker},
        "attempt": {"$add": ["$attempt", 1]},
        "lease": micros_of(lease_until),
    }
    return [{"$set": claimed}]


def _literals(values: Document) -> Document:
    """Values as literals: a text that begins with "$" would be read as the name of a field."""
    return {name: {"$literal": value} for name, value in values.items()}


def _counters(move: Move) -> Document:
    """The counters that a move changes."""
    changes: Document = {"lease": "$$REMOVE"}
    if move.to is Status.ACCEPTED:
        changes |= {"worker": "$$REMOVE", "progress": 0, "losses": {"$add": ["$losses", int(move.counted)]}}
    if move.to is Status.SUCCESSFUL:
        changes["progress"] = 100
    return changes


def _swap(found: Collections, movable: Document, to: Status, now: int, changes: Document) -> bool:
    """Compare and set; False if another process was first."""
    changes |= {"status": str(to), "updated": now}
    if to.final:
        # A claim may be executed before this command, although it was sent later.
        end = {"$max": [now, "$started"]}
        changes |= {"finished": end, "updated": end, "callbacks": announced(to, now)}

    def change() -> bool:
        return found.jobs.update_one(movable, [{"$set": changes}]).modified_count == 1

    try:
        return change()
    except ServerSelectionTimeoutError:  # nothing was sent
        raise
    except AutoReconnect:  # done or not? if it was, the job is as this command left it
        left = {"_id": movable["_id"], "status": str(to), "updated": now}
        return change() or found.jobs.find_one(left, ["_id"]) is not None


def _refuse_known(found: Collections, followers: Sequence[NewJob], movable: Document) -> None:
    """Refuse followers that exist already, unless a successful move is repeated and finds its own followers."""
    known = found.jobs.find_one({"_id": {"$in": [new.job.id for new in followers]}}, ["_id"])
    if known and found.jobs.find_one(movable, ["_id"]):
        raise ValueError(f"a follower has the id of a job that is there already: {known['_id']}")
