"""Claiming the most urgent waiting job."""

from typing import Any

from sqlalchemy import Connection, Update, bindparam, func, select, update

from weaver_like.stores.sql.connection import SqlDatabase
from weaver_like.stores.sql.tables import documents, jobs
from weaver_like.stores.sql.types import AnyRow, AnySelect

# Built once: building a statement costs more than running it.
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
_CLAIM_IF_WAITING = _CLAIM_ONE.where(jobs.c.status == "accepted")
_CLAIMED = (
    select(jobs, documents.c.execution, documents.c.followers)
    .join(documents, documents.c.job == jobs.c.id)
    .where(jobs.c.id == bindparam("key"))
)


def _claim_first(waiting: AnySelect) -> Update:
    """Claim in one statement, where the database can. Source: PostgreSQL, SELECT, "The Locking Clause", SKIP LOCKED."""
    first = waiting.with_for_update(skip_locked=True).scalar_subquery()
    claim = _CLAIM.where(jobs.c.id == first, documents.c.job == jobs.c.id)
    return claim.returning(jobs, documents.c.execution, documents.c.followers)


_CLAIM_FIRST, _CLAIM_FIRST_IN_QUEUE = _claim_first(_FIRST_WAITING), _claim_first(_FIRST_IN_QUEUE)
_LOCK_FIRST, _LOCK_FIRST_IN_QUEUE = (
    waiting.with_for_update(skip_locked=True) for waiting in (_FIRST_WAITING, _FIRST_IN_QUEUE)
)


def claim_first(database: SqlDatabase, names: dict[str, Any]) -> AnyRow | None:
    """Claim the most urgent waiting job for a worker; its row, with its execution and followers, or None.

    Args:
        names: "now" and "until" (microseconds), "by" (the worker), and "queue_name" for the jobs of one queue only.
    """
    any_queue = "queue_name" not in names
    if database.kind == "postgresql":
        with database.single() as connection:
            return connection.execute(_CLAIM_FIRST if any_queue else _CLAIM_FIRST_IN_QUEUE, names).first()
    with database.single() as connection:  # most looks find nothing; only a job is worth the lock for writers
        if connection.scalar(_FIRST_WAITING if any_queue else _FIRST_IN_QUEUE, names) is None:
            return None
    with database.writing() as connection:
        return _claim_in_steps(connection, _LOCK_FIRST if any_queue else _LOCK_FIRST_IN_QUEUE, names)


def claim_one(database: SqlDatabase, names: dict[str, Any]) -> AnyRow | None:
    """Make one job that waits a worker's own; its row, with its execution and followers; None if it does not wait.

    names: as those of `claim_first`, and "key": the id of the job.
    """
    with database.writing() as connection:
        if connection.execute(_CLAIM_IF_WAITING, names).rowcount != 1:
            return None
        return connection.execute(_CLAIMED, {"key": names["key"]}).one()


def _claim_in_steps(connection: Connection, lock: AnySelect, names: dict[str, Any]) -> AnyRow | None:
    job_id = connection.scalar(lock, names)
    if job_id is None:
        return None
    connection.execute(_CLAIM_ONE, names | {"key": job_id})
    return connection.execute(_CLAIMED, {"key": job_id}).one()
