"""MongoLeaders: roles, each held by at most one of all processes on a store."""

from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError

from weaver_like.domain.job import micros_of
from weaver_like.stores.base import Leaders
from weaver_like.stores.mongo.connection import MongoDatabase


class MongoLeaders(Leaders):
    """A document for each role that was ever taken."""

    def __init__(self, database: MongoDatabase):
        self._database = database

    def take(self, role: str, holder: str, until: datetime) -> bool:
        free = {"_id": role, "$or": [{"holder": holder}, {"until": {"$lt": micros_of(datetime.now(UTC))}}]}
        with self._database.using() as found:
            try:
                found.leaders.update_one(free, {"$set": {"holder": holder, "until": micros_of(until)}}, upsert=True)
            except DuplicateKeyError:  # another process has it, or was first
                return False
        return True
