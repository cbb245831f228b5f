"""Tables. Times are integers: microseconds since 1970, UTC. JSON is text, so that every database keeps it as it is."""
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text

metadata = MetaData()

#: Number of the newest migration that was applied.
schema_version = Table("schema_version", metadata, Column("number", Integer, primary_key=True), Column("applied", BigInteger, nullable=False))

#: Small rows: a list page reads nothing else.
jobs = Table(
    "jobs", metadata,
    Column("id", String(36), primary_key=True),
    Column("process", String(128), nullable=False),
    Column("status", String(10), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("finished", BigInteger),
    Column("progress", SmallInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    # Place in the queue: created + level x ageing. One number gives levels and ageing, and an index keeps it in order.
    Column("place", BigInteger, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("losses", SmallInteger, nullable=False),
    Column("worker", String(80)),
    Column("lease", BigInteger),
    Column("parent", String(36)),
    Column("title", String(200)),
    Column("base_url", Text, nullable=False),
    Index("jobs_by_created", "created", "id"),
    Index("jobs_by_status", "status", "created", "id"),
    Index("jobs_by_process", "process", "created", "id"),
    Index("jobs_by_place", "status", "place"),
)

#: The large parts, one row per job.
documents = Table(
    "job_documents", metadata,
    Column("job", String(36), primary_key=True),
    Column("execution", LargeBinary, nullable=False),
    # Whom to call at the end: [successUri, failedUri], or NULL; the end of a job need not read its inputs for that.
    Column("subscriber", LargeBinary),
    Column("followers", LargeBinary),
    Column("results", LargeBinary),
    Column("error", LargeBinary),
    Column("traceback", Text),
    Column("statistics", LargeBinary),
)

#: Appended, never rewritten.
logs = Table(
    "job_logs", metadata,
    Column("job", String(36), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("percent", SmallInteger),
    Column("message", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: Callbacks that wait to be delivered: written in the transaction that changes the status.
outbox = Table(
    "outbox", metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("job", String(36), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("uri", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Index("outbox_by_due", "due"),
)
