"""Claiming the most urgent waiting job."""

from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, func, select, update

from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.statement import Row, Statement
from weaver_like.stores.sql.tables import documents, jobs
from weaver_like.stores.sql.types import AnySelect

_FIRST_WAITING = select(jobs.c.id).where(jobs.c.status == "accepted").order_by(jobs.c.place).limit(1)
_FIRST_IN_QUEUE = _FIRST_WAITING.where(jobs.c.queue == bindparam("queue_name"))
_CLAIM = update(jobs).values(
    status="running",
    message="",
    started=func.coalesce(jobs.c.started, bindparam("now")),
    updated=bindparam("now"),
    worker=bindparam("by"),
    attempt=jobs.c.attempt + 1,
    lease=bindparam("until"),
)
_CLAIM_ONE = _CLAIM.where(jobs.c.id == bindparam("key"))
_CLAIM_WAITING = Statement(_CLAIM_ONE.where(jobs.c.status == "accepted"))
_CLAIMED = Statement(
    select(jobs, documents.c.execution, documents.c.followers)
    .join(documents, documents.c.job == jobs.c.id)
    .where(jobs.c.id == bindparam("key"))
)


def _document(column: Column[Any]) -> ColumnElement[Any]:
    return select(column).where(documents.c.job == jobs.c.id).scalar_subquery()


class _First:
    """Statements that find and claim the first job of some that wait."""

    def __init__(self, waiting: AnySelect):
        locked = waiting.with_for_update(skip_locked=True)
        claim = _CLAIM.where(jobs.c.id == locked.scalar_subquery())
        self.look = Statement(waiting)
        self.lock = Statement(locked)
        # Source: PostgreSQL, SELECT, "The Locking Clause", SKIP LOCKED.
        self.claim = Statement(
            claim.returning(jobs, _document(documents.c.execution), _document(documents.c.followers))
        )


_FIRST, _FIRST_OF_QUEUE = _First(_FIRST_WAITING), _First(_FIRST_IN_QUEUE)


def claim_first(database: SqlDatabase, names: dict[str, Any]) -> Row | None:
    """Claim the most urgent waiting job for a worker; its row, with its execution and followers, or None.

    Args:
        names: "now" and "until" (microseconds), "by" (the worker), and "queue_name" for the jobs of one queue only.
    """
    first = _FIRST_OF_QUEUE if "queue_name" in names else _FIRST
    with database.single() as connection:
        if database.kind == "postgresql":
            return connection.first(first.claim, names)
        # Most looks find nothing; only a job is worth the lock for writers.
        if connection.scalar(first.look, names) is None:
            return None
        if connection.returns_changes:
            return connection.first(first.claim, names)
    with database.writing() as connection:
        job_id = connection.scalar(first.lock, names)
        return None if job_id is None else _claim(connection, names | {"key": job_id})


def claim_one(database: SqlDatabase, names: dict[str, Any]) -> Row | None:
    """Make one job that waits a worker's own; its row, with its execution and followers; None if it does not wait.

    names: as those of `claim_first`, and "key": the id of the job.
    """
    with database.writing() as connection:
        return _claim(connection, names)


def _claim(connection: SqlConnection, names: dict[str, Any]) -> Row | None:
    if connection.change(_CLAIM_WAITING, names) != 1:
        return None
    return connection.first(_CLAIMED, {"key": names["key"]})
