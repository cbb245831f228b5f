"""Tables. Times are integers: microseconds since 1970, UTC. JSON is text, so that every database keeps it as it is."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, Table

from weaver_like.domain.requester import PUBLIC
from weaver_like.stores.sql.types import BYTES, DOCUMENT, TABLE_OPTIONS, Exact

metadata = MetaData()

#: Number of the newest migration that was applied.
schema_version = Table(
    "schema_version",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)

#: Small rows: a list page reads nothing else.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Exact(36), primary_key=True),
    Column("process", Exact(128), nullable=False),
    Column("status", Exact(10), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("finished", BigInteger),
    Column("progress", SmallInteger, nullable=False),
    Column("message", Exact(), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    # Place in the queue: created + level x ageing. One number covers levels and ageing, and an index keeps it in order.
    Column("place", BigInteger, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("losses", SmallInteger, nullable=False),
    Column("worker", Exact(80)),
    Column("lease", BigInteger),
    Column("parent", Exact(36)),
    Column("title", Exact(200)),
    Column("base_url", Exact(), nullable=False),
    Column("queue", Exact(128), nullable=False, server_default="default"),
    # In no index: each index makes writes slower, and lists are walks in the order of time that skip what the requester
    # may not see. An installation where most requesters see few of the jobs may want an index by owner and time.
    Column("owner", Exact(255), nullable=False, server_default=""),
    Column("visibility", Exact(255), nullable=False, server_default=PUBLIC),
    Index("jobs_by_created", "created", "id"),
    Index("jobs_by_status", "status", "created", "id"),
    Index("jobs_by_process", "process", "created", "id"),
    Index("jobs_by_both", "process", "status", "created", "id"),
    Index("jobs_by_place", "status", "place"),
    Index("jobs_by_queue", "status", "queue", "place"),
    **TABLE_OPTIONS,
)

#: The large parts, one row per job.
documents = Table(
    "job_documents",
    metadata,
    Column("job", Exact(36), primary_key=True),
    Column("execution", DOCUMENT, nullable=False),
    # URIs to call at the end: [successUri, failedUri], or NULL; kept here so that the end need not read the inputs.
    Column("subscriber", DOCUMENT),
    Column("followers", DOCUMENT),
    Column("results", DOCUMENT),
    Column("error", DOCUMENT),
    Column("traceback", Exact()),
    Column("statistics", DOCUMENT),
    **TABLE_OPTIONS,
)

#: Rows are appended, never rewritten.
logs = Table(
    "job_logs",
    metadata,
    Column("job", Exact(36), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("percent", SmallInteger),
    Column("message", Exact(), nullable=False),
    sqlite_with_rowid=False,
    **TABLE_OPTIONS,
)

#: Steps of application packages; a changed one is rewritten. attempt: only steps of the job's last one are shown.
steps = Table(
    "job_steps",
    metadata,
    Column("job", Exact(36), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("document", DOCUMENT, nullable=False),
    sqlite_with_rowid=False,
    **TABLE_OPTIONS,
)

#: Runs of jobs in foreign systems. A run outlives its job if the job is removed before the end of the run is known.
followed_runs = Table(
    "followed_runs",
    metadata,
    Column("job", Exact(36), primary_key=True),
    Column("runner", Exact(128), nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("handle", Exact()),
    Column("deadline", BigInteger),
    **TABLE_OPTIONS,
)

#: Callbacks that wait to be delivered: written in the transaction that changes the status.
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("job", Exact(36), nullable=False),
    Column("kind", Exact(10), nullable=False),
    Column("uri", Exact(), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Index("outbox_by_due", "due"),
    **TABLE_OPTIONS,
)

#: Executions that are submitted periodically.
schedules = Table(
    "schedules",
    metadata,
    Column("id", Exact(36), primary_key=True),
    Column("process", Exact(128), nullable=False),
    Column("cron", Exact(200), nullable=False),
    Column("time_zone", Exact(64), nullable=False),
    Column("execution", DOCUMENT, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("fired", BigInteger),
    # Its last job, which may have been removed since.
    Column("job", Exact(36)),
    Column("failure", Exact()),
    Column("base_url", Exact(), nullable=False),
    Column("owner", Exact(255), nullable=False, server_default=""),
    Column("visibility", Exact(255), nullable=False, server_default=PUBLIC),
    Index("schedules_by_created", "created", "id"),
    Index("schedules_by_process", "process", "created", "id"),
    Index("schedules_by_due", "due"),
    **TABLE_OPTIONS,
)

#: Deployed processes, one row per revision; the large columns come last, so that a list need not read them.
revisions = Table(
    "process_revisions",
    metadata,
    Column("process", Exact(128), primary_key=True),
    Column("version", Exact(255), primary_key=True),
    Column("deployed", BigInteger, nullable=False),
    Column("media_type", Exact(), nullable=False),
    Column("owner", Exact(255), nullable=False, server_default=""),
    Column("visibility", Exact(255), nullable=False, server_default=PUBLIC),
    Column("description", DOCUMENT, nullable=False),
    Column("package", BYTES, nullable=False),
    **TABLE_OPTIONS,
)

#: Which revisions are current: one row. A change of the revisions first writes a greater number.
offer = Table(
    "process_offer",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    # {process id: version}
    Column("versions", DOCUMENT, nullable=False),
    **TABLE_OPTIONS,
)

#: Roles, each held by at most one of all processes on this store.
leaders = Table(
    "leaders",
    metadata,
    Column("role", Exact(40), primary_key=True),
    Column("holder", Exact(80), nullable=False),
    Column("until", BigInteger, nullable=False),
    **TABLE_OPTIONS,
)
