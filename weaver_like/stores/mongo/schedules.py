"""MongoScheduleStore: schedules, in the same database as their jobs."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from weaver_like.domain.errors import Conflict, NoSuchSchedule
from weaver_like.domain.job import micros_of
from weaver_like.domain.schedule import Firing, Schedule, ScheduleFilter, SchedulePage
from weaver_like.stores.base import ScheduleStore
from weaver_like.stores.codec import moment_of
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Collections, Document, MongoDatabase
from weaver_like.stores.mongo.intake import MongoJobIntake
from weaver_like.stores.mongo.parts import Parts

_NEWEST_FIRST = [("created", -1), ("_id", -1)]
#: Longer than any process needs between two commands: a job that is still in its schedule then was left by a crash.
_RELEASE_AFTER = timedelta(seconds=10)
_TOO_LARGE = "The schedule is larger than the database accepts; give large inputs by reference."
#: More than the size of a job in its schedule: large values are kept elsewhere.
_FIRING_BYTES = 2**18


class MongoScheduleStore(ScheduleStore):
    """One document for each schedule.

    A firing puts the job into it (`next_job`) with the same command that advances `due`, and then releases it into
    the queue.
    """

    def __init__(self, database: MongoDatabase, intake: MongoJobIntake):
        self._database = database
        self._intake = intake

    def add(self, schedule: Schedule, most: int) -> None:
        with self._database.using() as found:
            if found.schedules.count_documents({}, limit=most) >= most:
                raise Conflict(f"There are {most} schedules already, which is the maximum; remove one first.")
            found.schedules.insert_one(codec.fitting(codec.schedule_document(schedule), _TOO_LARGE, _FIRING_BYTES))

    def get(self, schedule_id: str) -> Schedule:
        with self._database.using() as found:
            row = found.schedules.find_one({"_id": schedule_id})
        if row is None:
            raise NoSuchSchedule(f"There is no schedule '{schedule_id[:100]}'.")
        return codec.read_schedule(row)

    def find(self, wanted: ScheduleFilter) -> SchedulePage:
        narrowed: Document = {}
        if wanted.processes:
            narrowed["process"] = {"$in": wanted.processes}
        if wanted.after:
            created, schedule_id = wanted.after
            narrowed["created"] = {"$lte": created}
            narrowed["$or"] = [{"created": {"$lt": created}}, {"_id": {"$lt": schedule_id}}]
        if wanted.seen_by is not None:
            narrowed["$and"] = [codec.seen(wanted.seen_by)]
        with self._database.using() as found:
            rows = list(found.schedules.find(narrowed, sort=_NEWEST_FIRST, limit=wanted.limit + 1))
        return SchedulePage(tuple(codec.read_schedule(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    def delete(self, schedule_id: str) -> bool:
        with self._database.using() as found:
            _release_left(found, {"_id": schedule_id})
            return found.schedules.delete_one({"_id": schedule_id}).deleted_count == 1

    def due(self, now: datetime, limit: int) -> list[Schedule]:
        with self._database.using() as found:
            rows = found.schedules.find({"due": {"$lte": micros_of(now)}}, sort=[("due", 1)], limit=limit)
            return [codec.read_schedule(row) for row in rows]

    def next_due(self) -> datetime | None:
        with self._database.using() as found:
            _release_left(found, {"fired": {"$lt": micros_of(datetime.now(UTC) - _RELEASE_AFTER)}})
            row = found.schedules.find_one({}, ["due"], sort=[("due", 1)])
        return moment_of(row["due"]) if row else None

    def fire(self, schedule: Schedule, firing: Firing, queue_limit: int) -> bool:
        due = {"_id": schedule.id, "due": micros_of(schedule.due)}
        changes: Document = {
            "due": micros_of(firing.next_due),
            "fired": micros_of(firing.at),
            "failure": firing.failure,
        }
        place = self._intake.gate.entering(queue_limit) if firing.new else nullcontext()
        with place, self._database.using() as found:
            _release_left(found, {"_id": schedule.id})  # of the previous firing, if its process died
            parts = Parts(found)
            if firing.new:
                changes["next_job"] = self._intake.document(firing.new, parts)
            if found.schedules.update_one(due, {"$set": changes}).matched_count != 1:
                parts.drop()
                return False
            if firing.new:
                _release(found, schedule.id, changes["next_job"])
                parts.keep()
        return True


def _release_left(found: Collections, which: Document) -> None:
    for row in found.schedules.find(which | {"next_job._id": {"$exists": True}}, ["next_job"]):
        _release(found, row["_id"], row["next_job"])


def _release(found: Collections, schedule_id: str, document: Document) -> None:
    """Put a job into the queue, and only then show it as the last one; safe to repeat."""
    try:
        found.jobs.insert_one(document)
    except DuplicateKeyError:  # released already
        pass
    found.schedules.update_one(
        {"_id": schedule_id, "next_job._id": document["_id"]},
        {"$set": {"job": document["_id"]}, "$unset": {"next_job": ""}},
    )
