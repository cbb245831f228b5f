"""MongoJobStore: jobs on MongoDB, a standalone server or a replica set; no transaction of several documents is needed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pymongo import ReturnDocument
from pymongo.errors import AutoReconnect, DuplicateKeyError, ServerSelectionTimeoutError

from weaver_like.domain.errors import Unavailable
from weaver_like.domain.job import Claim, Job, JobDocuments, JobFilter, JobPage, LogEntry, NewJob, Outcome
from weaver_like.domain.status import Status, sources_of
from weaver_like.stores.base import JobStore
from weaver_like.stores.codec import to_micros
from weaver_like.stores.gate import QueueGate
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Collections, MongoDatabase
from weaver_like.stores.mongo.leaders import MongoLeaders
from weaver_like.stores.mongo.listing import list_filter
from weaver_like.stores.mongo.log import MongoLog, change_with_lines, get_fields, lines_of_move
from weaver_like.stores.mongo.migrate import BY_CREATED, BY_PLACE, BY_QUEUE, migrate
from weaver_like.stores.mongo.outbox import MongoOutbox, announced
from weaver_like.stores.mongo.parts import NAMES, Parts
from weaver_like.stores.mongo.repair import release_next, repair
from weaver_like.stores.mongo.steps import MongoSteps
from weaver_like.stores.mongo.transfer import MongoTransfer

_FINAL = [str(status) for status in Status if status.final]
_WAITING = {"status": "accepted"}


class MongoJobStore(MongoLog, MongoSteps, MongoOutbox, MongoLeaders, MongoTransfer, JobStore):
    """One document for each job, changed as a whole by one command that compares and sets.

    Beside it: lines of its log, its steps, and chunks of values that are too large for it.
    gate: everything that adds a job passes it.
    """

    def __init__(self, database: MongoDatabase, ageing_s: float):
        self._database = database
        self._ageing_s = ageing_s
        self.gate = QueueGate(self._count_waiting)

    def migrate(self) -> list[int]:
        with self._database.using() as found:
            return migrate(found)

    def ping(self) -> None:
        with self._database.using() as found:
            if found.versions.find_one() is None:
                raise Unavailable("The store has not been migrated.")

    def close(self) -> None:
        self._database.close()

    def add(self, new: NewJob, queue_limit: int) -> None:
        with self.gate.entering(queue_limit), self._database.using() as found:
            parts = Parts(found)
            document = self.document(new, parts)
            try:
                found.jobs.insert_one(document)
            except ServerSelectionTimeoutError:  # nothing was sent
                raise
            except AutoReconnect:  # kept or not? nobody else has this id
                try:
                    found.jobs.insert_one(document)
                except DuplicateKeyError:
                    pass
            parts.keep()

    def document(self, new: NewJob, parts: Parts) -> dict:
        """What is kept of a new job; its large values are in `parts`."""
        return codec.new_document(new, self._ageing_s, parts)

    def _count_waiting(self, most: int) -> int:
        with self._database.using() as found:
            return found.jobs.count_documents(_WAITING, limit=most, hint=BY_PLACE)

    def get(self, job_id: str) -> Job:
        with self._database.using() as found:
            return codec.read_job(get_fields(found, job_id, codec.JOB_FIELDS))

    def get_documents(self, job_id: str) -> JobDocuments:
        with self._database.using() as found:
            return codec.read_documents(found, get_fields(found, job_id, NAMES))

    def find(self, wanted: JobFilter) -> JobPage:
        narrowed, index = list_filter(wanted)
        with self._database.using() as found:
            rows = list(
                found.jobs.find(
                    narrowed,
                    codec.JOB_FIELDS,
                    sort=[("created", -1), ("_id", -1)],
                    hint=index,
                    limit=wanted.limit + 1,
                    batch_size=wanted.limit + 1,
                )
            )
        return JobPage(tuple(codec.read_job(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    def claim_next(self, worker: str, lease_until: datetime, queue: str | None = None) -> Claim | None:
        # The job may have come after this command was sent.
        now = {"$max": [to_micros(datetime.now(UTC)), "$created"]}
        claimed = {
            "status": "running",
            "message": "",
            "started": {"$ifNull": ["$started", now]},
            "updated": now,
            "worker": {"$literal": worker},
            "attempt": {"$add": ["$attempt", 1]},
            "lease": to_micros(lease_until),
        }
        first, index = (_WAITING, BY_PLACE) if queue is None else (_WAITING | {"queue": queue}, BY_QUEUE)
        with self._database.using() as found:
            row = found.jobs.find_one_and_update(
                first, [{"$set": claimed}], sort=[("place", 1)], hint=index, return_document=ReturnDocument.AFTER
            )
            return codec.read_claim(found, row) if row else None

    def count_waiting(self, before: datetime) -> dict[str, int]:
        waiting = [
            {"$match": _WAITING | {"updated": {"$lt": to_micros(before)}}},
            {"$group": {"_id": "$queue", "count": {"$sum": 1}}},
        ]
        with self._database.using() as found:
            return {row["_id"]: row["count"] for row in found.jobs.aggregate(waiting, hint=BY_QUEUE)}

    def move(
        self,
        job_id: str,
        to: Status,
        *,
        attempt: int | None = None,
        message: str = "",
        outcome: Outcome | None = None,
        followers: Sequence[NewJob] = (),
        entries: Sequence[LogEntry] = (),
        counted: bool = True,
    ) -> bool:
        """Followers stand in the job's own document first, so that they come with its success, and are released then."""
        moment = datetime.now(UTC)
        movable = {"_id": job_id, "status": {"$in": [str(origin) for origin in sources_of(to)]}} | (
            {} if attempt is None else {"attempt": attempt}
        )
        with self._database.using() as found:
            if followers:
                _refuse_known(found, followers, movable)
            parts = Parts(found)
            values = parts.put(job_id, codec.outcome_parts(outcome)) if outcome is not None else {}
            if followers:
                values["next_jobs"] = [
                    self.document(replace(new, job=replace(new.job, created=moment, updated=moment)), parts)
                    for new in followers
                ]
            # A text that begins with "$" would be read as the name of a field.
            values = {name: {"$literal": value} for name, value in (values | {"message": message}).items()}
            if not _swap(
                found,
                movable,
                to,
                to_micros(moment),
                values | lines_of_move(found, movable, entries) | _counters(to, counted),
            ):
                parts.drop()
                return False
            if followers:
                release_next(found, {"_id": job_id})
            parts.keep()
        return True

    def report(
        self,
        job_id: str,
        attempt: int,
        lease_until: datetime,
        *,
        percent: int | None = None,
        message: str | None = None,
        entries: Sequence[LogEntry] = (),
    ) -> bool:
        changes: dict = {"lease": to_micros(lease_until)}
        if percent is not None:
            changes |= {"progress": percent, "updated": to_micros(datetime.now(UTC))}
        if message is not None:
            changes |= {"message": message}
        with self._database.using() as found:
            return change_with_lines(found, {"_id": job_id, "status": "running", "attempt": attempt}, changes, entries)

    def delete(self, job_id: str) -> bool:
        """The document goes last: after a crash in between the job is there still, and can be deleted again."""
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
        """Whoever looks for leases that ran out also completes what other crashes left."""
        lost = (
            {"lease": {"$lt": to_micros(now)}}
            if worker_prefix is None
            else {"worker": {"$regex": f"^{re.escape(worker_prefix)}"}}
        )
        with self._database.using() as found:
            if worker_prefix is None:
                repair(found, now)
            return [codec.read_job(row) for row in found.jobs.find({"status": "running"} | lost, codec.JOB_FIELDS)]

    def find_finished(self, before: datetime, limit: int) -> list[str]:
        moment = to_micros(before)
        # A job finishes after it was created, so the index on `created` bounds the walk.
        done = {"created": {"$lt": moment}, "finished": {"$lt": moment}, "status": {"$in": _FINAL}}
        with self._database.using() as found:
            return [
                row["_id"]
                for row in found.jobs.find(done, ["_id"], sort=[("created", 1)], hint=BY_CREATED, limit=limit)
            ]


def _counters(to: Status, counted: bool) -> dict:
    """What a move changes beside its texts."""
    changes: dict = {"lease": "$$REMOVE"}
    if to is Status.ACCEPTED:
        changes |= {"worker": "$$REMOVE", "progress": 0, "losses": {"$add": ["$losses", int(counted)]}}
    if to is Status.SUCCESSFUL:
        changes |= {"progress": 100}
    return changes


def _swap(found: Collections, movable: dict, to: Status, now: int, changes: dict) -> bool:
    """Compare and set; False if another was first."""
    changes |= {"status": str(to), "updated": now}
    if to.final:
        # A claim may have come before this command, though it was sent later.
        changes |= {
            "finished": {"$max": [now, "$started"]},
            "updated": {"$max": [now, "$started"]},
            "callbacks": announced(to, now),
        }

    def change() -> bool:
        return found.jobs.update_one(movable, [{"$set": changes}]).modified_count == 1

    try:
        return change()
    except ServerSelectionTimeoutError:  # nothing was sent
        raise
    except AutoReconnect:  # done or not? if it was, the job stands as we left it
        return (
            change()
            or found.jobs.find_one({"_id": movable["_id"], "status": str(to), "updated": now}, ["_id"]) is not None
        )


def _refuse_known(found: Collections, followers: Sequence[NewJob], movable: dict) -> None:
    """A move that is repeated after its success finds its own followers: that one is not refused but comes too late."""
    known = found.jobs.find_one({"_id": {"$in": [new.job.id for new in followers]}}, ["_id"])
    if known and found.jobs.find_one(movable, ["_id"]):
        raise ValueError(f"a follower has the id of a job that is there already: {known['_id']}")
