"""Roles of which there is one holder among all processes on a store."""

from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError

from weaver_like.stores.codec import to_micros
from weaver_like.stores.mongo.connection import MongoDatabase


class MongoLeaders:
    """The part of `MongoJobStore` that elects."""

    _database: MongoDatabase

    def take_lead(self, role: str, holder: str, until: datetime) -> bool:
        free = {"_id": role, "$or": [{"holder": holder}, {"until": {"$lt": to_micros(datetime.now(UTC))}}]}
        with self._database.using() as found:
            try:
                found.leaders.update_one(free, {"$set": {"holder": holder, "until": to_micros(until)}}, upsert=True)
            except DuplicateKeyError:  # another has it, or was faster
                return False
        return True
