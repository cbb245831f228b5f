"""Opens stores for tests by their URL."""

from weaver_like.stores.base import Store
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.store import MongoStore
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.store import SqlStore

#: A level of priority is worth a minute.
AGEING_S = 60


def open_store(url: str, connections: int = 8) -> Store:
    """A store that has not been migrated; whoever opens it closes it."""
    if url.startswith("mongodb://"):
        return MongoStore(MongoDatabase(url, connections), AGEING_S)
    return SqlStore(SqlDatabase(url, "NORMAL", connections), AGEING_S)
