"""The outbox: callbacks that wait to be delivered, inside the document of their job, so that they come with its status."""

import secrets
from datetime import UTC, datetime

from weaver_like.domain.job import Callback
from weaver_like.domain.status import Status
from weaver_like.stores.codec import to_micros, to_moment
from weaver_like.stores.mongo.connection import MongoDatabase


def new_callback(kind: str, uri: str, now: int) -> dict:
    """now: when it is due."""
    return {"id": secrets.randbits(63), "kind": kind, "uri": uri, "attempts": 0, "due": now}


def announced(to: Status, now: int) -> dict:
    """Expression for the callbacks of a job that ends: those that wait, and the one that its subscriber asked for."""
    kind = "success" if to is Status.SUCCESSFUL else "failed"
    uri = f"$subscriber.{kind}"
    waiting = {"$ifNull": ["$callbacks", []]}
    return {"$cond": [{"$gt": [uri, None]}, {"$concatArrays": [waiting, [new_callback(kind, uri, now)]]}, "$callbacks"]}


class MongoOutbox:
    """The part of `MongoJobStore` that delivers."""

    _database: MongoDatabase

    def notify_progress(self, job_id: str, uri: str) -> None:
        with self._database.using() as found:
            found.jobs.update_one(
                {"_id": job_id, "callbacks.kind": {"$ne": "inProgress"}},
                {"$push": {"callbacks": new_callback("inProgress", uri, to_micros(datetime.now(UTC)))}},
            )

    def take_callbacks(self, now: datetime, until: datetime, limit: int) -> list[Callback]:
        moment = to_micros(now)
        with self._database.using() as found:
            while True:
                rows = (
                    found.jobs.find({"callbacks.due": {"$lte": moment}}, ["callbacks"])
                    .sort("callbacks.due")
                    .limit(limit)
                )
                due = [
                    (entry["due"], entry["id"], row["_id"], entry)
                    for row in rows
                    for entry in row["callbacks"]
                    if entry["due"] <= moment
                ]
                if not due:
                    return []
                taken = []
                for was_due, callback_id, job_id, entry in sorted(due)[:limit]:
                    held = {"_id": job_id, "callbacks": {"$elemMatch": {"id": callback_id, "due": was_due}}}
                    if found.jobs.update_one(held, {"$set": {"callbacks.$.due": to_micros(until)}}).modified_count:
                        taken.append(Callback(callback_id, job_id, entry["kind"], entry["uri"], entry["attempts"]))
                if taken:  # else others were faster with every one of these
                    return taken

    def next_callback(self) -> datetime | None:
        with self._database.using() as found:
            row = found.jobs.find_one({"callbacks.due": {"$gt": 0}}, ["callbacks.due"], sort=[("callbacks.due", 1)])
        return to_moment(min(entry["due"] for entry in row["callbacks"])) if row else None

    def settle_callback(self, callback_id: int, again: datetime | None) -> None:
        with self._database.using() as found:
            if again is None:
                found.jobs.update_one({"callbacks.id": callback_id}, {"$pull": {"callbacks": {"id": callback_id}}})
            else:
                found.jobs.update_one(
                    {"callbacks.id": callback_id},
                    {"$inc": {"callbacks.$.attempts": 1}, "$set": {"callbacks.$.due": to_micros(again)}},
                )
