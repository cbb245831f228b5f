"""MongoScheduleStore: schedules, beside the jobs that come of them."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from weaver_like.domain.errors import Conflict, NoSuchSchedule
from weaver_like.domain.schedule import Firing, Schedule, ScheduleFilter, SchedulePage
from weaver_like.stores.base import ScheduleStore
from weaver_like.stores.codec import to_micros, to_moment
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Collections, MongoDatabase
from weaver_like.stores.mongo.jobs import MongoJobStore
from weaver_like.stores.mongo.parts import Parts

_NEWEST_FIRST = [("created", -1), ("_id", -1)]
#: Longer than anybody needs between two commands: a job that still stands beside its schedule then was left by a crash.
_RELEASE_AFTER = timedelta(seconds=10)
_TOO_LARGE = "The schedule is larger than the database takes; give large inputs by reference."
#: More than a job that stands beside its schedule: its large values are kept elsewhere.
_FIRING_BYTES = 2**18


class MongoScheduleStore(ScheduleStore):
    """One document for each schedule. A firing puts the job into it (`next_job`) with the same command that advances `due`, and releases it then.

    jobs: of the same database; it makes the indexes and closes the connections.
    """

    def __init__(self, database: MongoDatabase, jobs: MongoJobStore):
        self._database = database
        self._jobs = jobs

    def add(self, schedule: Schedule, most: int) -> None:
        with self._database.using() as found:
            if found.schedules.count_documents({}, limit=most) >= most:
                raise Conflict(f"There are {most} schedules already, and no more are kept; remove one first.")
            found.schedules.insert_one(codec.fitting(codec.schedule_document(schedule), _TOO_LARGE, _FIRING_BYTES))

    def get(self, schedule_id: str) -> Schedule:
        with self._database.using() as found:
            row = found.schedules.find_one({"_id": schedule_id})
        if row is None:
            raise NoSuchSchedule(f"There is no schedule '{schedule_id[:100]}'.")
        return codec.read_schedule(row)

    def find(self, wanted: ScheduleFilter) -> SchedulePage:
        narrowed: dict = {"process": {"$in": wanted.processes}} if wanted.processes else {}
        if wanted.after:
            created, schedule_id = wanted.after
            narrowed |= {
                "created": {"$lte": created},
                "$or": [{"created": {"$lt": created}}, {"_id": {"$lt": schedule_id}}],
            }
        with self._database.using() as found:
            rows = list(found.schedules.find(narrowed, sort=_NEWEST_FIRST, limit=wanted.limit + 1))
        return SchedulePage(tuple(codec.read_schedule(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    def delete(self, schedule_id: str) -> bool:
        with self._database.using() as found:
            _release_left(found, {"_id": schedule_id})
            return found.schedules.delete_one({"_id": schedule_id}).deleted_count == 1

    def due(self, now: datetime, limit: int) -> list[Schedule]:
        with self._database.using() as found:
            return [
                codec.read_schedule(row)
                for row in found.schedules.find({"due": {"$lte": to_micros(now)}}, sort=[("due", 1)], limit=limit)
            ]

    def next_due(self) -> datetime | None:
        with self._database.using() as found:
            _release_left(found, {"fired": {"$lt": to_micros(datetime.now(UTC) - _RELEASE_AFTER)}})
            row = found.schedules.find_one({}, ["due"], sort=[("due", 1)])
        return to_moment(row["due"]) if row else None

    def fire(self, schedule: Schedule, firing: Firing, queue_limit: int) -> bool:
        changes: dict = {"due": to_micros(firing.next_due), "fired": to_micros(firing.at), "failure": firing.failure}
        place = self._jobs.gate.entering(queue_limit) if firing.new else nullcontext()
        with place, self._database.using() as found:
            _release_left(found, {"_id": schedule.id})  # of the firing before, if who fired it died
            parts = Parts(found)
            if firing.new:
                changes |= {"next_job": self._jobs.document(firing.new, parts)}
            if (
                found.schedules.update_one(
                    {"_id": schedule.id, "due": to_micros(schedule.due)}, {"$set": changes}
                ).matched_count
                != 1
            ):
                parts.drop()
                return False
            if firing.new:
                _release(found, schedule.id, changes["next_job"])
                parts.keep()
        return True


def _release_left(found: Collections, which: dict) -> None:
    for row in found.schedules.find(which | {"next_job._id": {"$exists": True}}, ["next_job"]):
        _release(found, row["_id"], row["next_job"])


def _release(found: Collections, schedule_id: str, document: dict) -> None:
    """Put a job into the queue, and only then show it as the last one; to be repeated does no harm."""
    try:
        found.jobs.insert_one(document)
    except DuplicateKeyError:  # released already
        pass
    found.schedules.update_one(
        {"_id": schedule_id, "next_job._id": document["_id"]},
        {"$set": {"job": document["_id"]}, "$unset": {"next_job": ""}},
    )
