"""MongoOutbox: callbacks that wait to be delivered, in the document of their job, written with its status."""

import secrets
from datetime import UTC, datetime

from weaver_like.domain.job import Callback, micros_of
from weaver_like.domain.status import Status
from weaver_like.stores.base import Outbox
from weaver_like.stores.codec import moment_of
from weaver_like.stores.mongo.connection import Collections, Document, MongoDatabase


def new_callback(kind: str, uri: str, due: int) -> Document:
    """A callback in the document of its job."""
    return {"id": secrets.randbits(63), "kind": kind, "uri": uri, "attempts": 0, "due": due}


def announced(to: Status, now: int) -> Document:
    """Expression for the callbacks of a job that ends: those that wait, and the one that its subscriber asked for."""
    kind = "success" if to is Status.SUCCESSFUL else "failed"
    uri = f"$subscriber.{kind}"
    waiting = {"$ifNull": ["$callbacks", []]}
    return {"$cond": [{"$gt": [uri, None]}, {"$concatArrays": [waiting, [new_callback(kind, uri, now)]]}, "$callbacks"]}


class MongoOutbox(Outbox):
    """Uses an index that has only jobs with callbacks."""

    def __init__(self, database: MongoDatabase):
        self._database = database

    def add_progress(self, job_id: str, uri: str) -> None:
        callback = new_callback("inProgress", uri, micros_of(datetime.now(UTC)))
        with self._database.using() as found:
            found.jobs.update_one(
                {"_id": job_id, "callbacks.kind": {"$ne": "inProgress"}}, {"$push": {"callbacks": callback}}
            )

    def take(self, now: datetime, until: datetime, limit: int) -> list[Callback]:
        moment = micros_of(now)
        with self._database.using() as found:
            while True:
                due = _find_due(found, moment, limit)
                taken = [callback for was_due, callback in due if _take(found, callback, was_due, micros_of(until))]
                if taken or not due:  # else other couriers took every one of these first
                    return taken

    def next_due(self) -> datetime | None:
        with self._database.using() as found:
            row = found.jobs.find_one({"callbacks.due": {"$gt": 0}}, ["callbacks.due"], sort=[("callbacks.due", 1)])
        return moment_of(min(entry["due"] for entry in row["callbacks"])) if row else None

    def settle(self, callback_id: int, again: datetime | None) -> None:
        if again is None:
            change: Document = {"$pull": {"callbacks": {"id": callback_id}}}
        else:
            change = {"$inc": {"callbacks.$.attempts": 1}, "$set": {"callbacks.$.due": micros_of(again)}}
        with self._database.using() as found:
            found.jobs.update_one({"callbacks.id": callback_id}, change)


def _find_due(found: Collections, moment: int, limit: int) -> list[tuple[int, Callback]]:
    """Callbacks that are due, with the moment since when they are due, oldest first."""
    rows = found.jobs.find({"callbacks.due": {"$lte": moment}}, ["callbacks"]).sort("callbacks.due").limit(limit)
    due = [
        (entry["due"], Callback(entry["id"], row["_id"], entry["kind"], entry["uri"], entry["attempts"]))
        for row in rows
        for entry in row["callbacks"]
        if entry["due"] <= moment
    ]
    return sorted(due, key=lambda one: (one[0], one[1].id))[:limit]


def _take(found: Collections, callback: Callback, was_due: int, until: int) -> bool:
    """Postpone a callback for all others; False if another courier was first."""
    held = {"_id": callback.job_id, "callbacks": {"$elemMatch": {"id": callback.id, "due": was_due}}}
    return found.jobs.update_one(held, {"$set": {"callbacks.$.due": until}}).modified_count == 1
