"""The first schema of the SQL stores, as it was, with three jobs: what a new release must be able to take over."""

import json

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    create_engine,
    insert,
)

T0 = 1_715_000_000_123_456
metadata = MetaData()
schema_version = Table(
    "schema_version",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("applied", BigInteger, nullable=False),
)
jobs = Table(
    "jobs",
    metadata,
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
documents = Table(
    "job_documents",
    metadata,
    Column("job", String(36), primary_key=True),
    Column("execution", LargeBinary, nullable=False),
    Column("subscriber", LargeBinary),
    Column("followers", LargeBinary),
    Column("results", LargeBinary),
    Column("error", LargeBinary),
    Column("traceback", Text),
    Column("statistics", LargeBinary),
)
logs = Table(
    "job_logs",
    metadata,
    Column("job", String(36), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("percent", SmallInteger),
    Column("message", Text, nullable=False),
    sqlite_with_rowid=False,
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("job", String(36), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("uri", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Index("outbox_by_due", "due"),
)
JOBS = {"waits": "accepted", "runs": "running", "done": "successful"}


def fill(url: str) -> None:
    """Make a store of schema 1: one job waits, one runs (its lease has run out), one
    is done with a result, a log and a callback that waits."""
    engine = create_engine(url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(insert(schema_version), {"number": 1, "applied": T0})
        for number, (job, status) in enumerate(JOBS.items()):
            begun, done = number > 0, number > 1
            moment = T0 + number
            connection.execute(
                insert(jobs),
                {
                    "id": job,
                    "process": "echo",
                    "status": status,
                    "created": moment,
                    "updated": moment,
                    "started": moment if begun else None,
                    "finished": moment if done else None,
                    "progress": 0,
                    "message": "Grüße ☃",
                    "priority": 1,
                    "place": moment,
                    "attempt": int(begun),
                    "losses": 0,
                    "worker": "w/1" if begun else None,
                    "lease": moment if begun and not done else None,
                    "base_url": "http://x",
                },
            )
            results = [{"output": "a", "value": 1, "path": None, "format": {}, "size": 1, "index": None}]
            connection.execute(
                insert(documents),
                {"job": job, "execution": b'{"inputs": {}}', "results": json.dumps(results).encode() if done else None},
            )
            connection.execute(insert(logs), {"job": job, "number": 1, "at": moment, "level": 20, "message": "line"})
        connection.execute(
            insert(outbox), {"job": "done", "kind": "success", "uri": "http://s", "attempts": 2, "due": T0}
        )
    engine.dispose()
