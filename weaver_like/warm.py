"""What workers and zygotes have imported before there is a job, and the nursery that forks them.

Apart from `wiring`, which takes half a second to import: the nursery gets ready meanwhile.
"""

from weaver_like.sandbox.members import Nursery
from weaver_like.settings import Settings

#: What a zygote has imported from the start; other runners are imported for their first job, which takes a second.
WARM = ["weaver_like.runners.python", "weaver_like.builtin.testing"]
#: The one of this OS process, whatever it builds: it knows no settings.
NURSERY = Nursery([*WARM, "weaver_like.sandbox.zygote"])
#: What workers import, with their store.
_SQL = ("weaver_like.worker.embedded", "weaver_like.stores.sql.store", "sqlalchemy.dialects.sqlite.pysqlite")
_MONGO = ("weaver_like.worker.embedded", "weaver_like.stores.mongo.store")


def warm_up(settings: Settings) -> None:
    """Start the nursery of a server with the embedded engine; again it does nothing."""
    NURSERY.warm(worker_modules(settings))


def worker_modules(settings: Settings) -> tuple[str, ...]:
    """What a worker of the embedded engine imports."""
    return _MONGO if is_mongo(settings) else _SQL


def is_mongo(settings: Settings) -> bool:
    """Whether jobs are kept in MongoDB."""
    return settings.store_url.startswith(("mongodb://", "mongodb+srv://"))
