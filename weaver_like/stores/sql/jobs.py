"""SqlJobStore: jobs on SQLite, PostgreSQL and MariaDB."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from weaver_like.domain.job import (
    Claim,
    Job,
    JobDocuments,
    JobFilter,
    JobPage,
    Move,
    NewJob,
    Outcome,
    Report,
    micros_of,
)
from weaver_like.domain.status import Status, sources_of
from weaver_like.schemas.execution import parse_stored
from weaver_like.stores.base import JobStore
from weaver_like.stores.codec import (
    dump_error,
    dump_results,
    dump_statistics,
    load_followers,
    load_json,
    load_subscriber,
    no_such_job,
)
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.claims import claim_first, claim_one
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.intake import SqlJobIntake
from weaver_like.stores.sql.listing import find_rows
from weaver_like.stores.sql.logs import append_lines
from weaver_like.stores.sql.outbox import add_callback
from weaver_like.stores.sql.statement import Row, Statement, one_of
from weaver_like.stores.sql.tables import documents, jobs, logs, steps

_FINAL = [str(status) for status in Status if status.final]

_JOB = bindparam("key", type_=jobs.c.id.type)
_GET = Statement(select(jobs).where(jobs.c.id == _JOB))
_GET_DOCUMENTS = Statement(select(documents).where(documents.c.job == _JOB))
_COUNT_QUEUES = Statement(
    select(jobs.c.queue, func.count())
    .where(jobs.c.status == "accepted", jobs.c.updated < bindparam("before"))
    .group_by(jobs.c.queue)
)
#: The parameters determine the columns that change.
_REPORT = update(jobs).where(jobs.c.id == _JOB, jobs.c.status == "running", jobs.c.attempt == bindparam("held"))
_REPORT_HELD = Statement(_REPORT.where(jobs.c.lease.is_not(None)))
_REPORT_FOLLOWED = Statement(_REPORT.where(jobs.c.lease.is_(None)))
_SUBSCRIBER = Statement(select(documents.c.subscriber).where(documents.c.job == _JOB))
_SET_OUTCOME = (
    update(documents)
    .where(documents.c.job == _JOB)
    .values(results=bindparam("r"), error=bindparam("e"), traceback=bindparam("t"), statistics=bindparam("s"))
)
_SET_OUTCOME_ONLY = Statement(_SET_OUTCOME)
_SET_OUTCOME_AND_TELL = Statement(_SET_OUTCOME.returning(documents.c.subscriber))
_DELETE = Statement(delete(jobs).where(jobs.c.id == _JOB, one_of(jobs.c.status, _FINAL)))
_DELETE_BESIDE = [Statement(delete(table).where(table.c.job == _JOB)) for table in (documents, logs, steps)]
_RUNNING = select(jobs).where(jobs.c.status == "running")
_FIND_LATE = Statement(_RUNNING.where(jobs.c.lease < bindparam("now")))
_FIND_OF_WORKERS = Statement(_RUNNING.where(jobs.c.worker.startswith(bindparam("prefix"), escape="/")))
#: A job finishes after it was created, so the index on `created` bounds the walk.
_FIND_FINISHED = Statement(
    select(jobs.c.id)
    .where(jobs.c.created < bindparam("before"), jobs.c.finished < bindparam("before"), one_of(jobs.c.status, _FINAL))
    .order_by(jobs.c.created)
    .limit(bindparam("most"))
)


@cache
def _move_statement(to: Status, fenced: bool, lost: bool) -> Statement:
    """The parameters determine the columns that change; and, if the worker was lost, the count of losses grows."""
    origins = [str(origin) for origin in sources_of(to)]
    statement = update(jobs).where(jobs.c.id == _JOB, one_of(jobs.c.status, origins))
    if fenced:
        statement = statement.where(jobs.c.attempt == bindparam("held"))
    return Statement(statement.values(losses=jobs.c.losses + 1) if lost else statement)


class SqlJobStore(JobStore):
    """Jobs in a table of small rows, and their documents in another one.

    Source of the indexes and of BEGIN IMMEDIATE: docs/performance.rst.
    """

    def __init__(self, database: SqlDatabase, intake: SqlJobIntake):
        self._database = database
        self._intake = intake

    def add(self, new: NewJob, queue_limit: int) -> None:
        self._intake.add(new, queue_limit)

    @repeated
    def get(self, job_id: str) -> Job:
        with self._database.single() as connection:
            row = connection.first(_GET, {"key": job_id})
        if row is None:
            raise no_such_job(job_id)
        return codec.row_job(row)

    @repeated
    def get_documents(self, job_id: str) -> JobDocuments:
        with self._database.single() as connection:
            row = connection.first(_GET_DOCUMENTS, {"key": job_id})
        if row is None:
            raise no_such_job(job_id)
        return codec.row_documents(row)

    @repeated
    def find(self, wanted: JobFilter) -> JobPage:
        with self._database.single() as connection:
            rows = find_rows(connection, wanted, micros_of(datetime.now(UTC)))
        return JobPage(tuple(codec.row_job(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    @repeated
    def claim_next(self, worker: str, lease_until: datetime, queue: str | None = None) -> Claim | None:
        names = {"now": micros_of(datetime.now(UTC)), "by": worker, "until": micros_of(lease_until)}
        if queue is not None:
            names["queue_name"] = queue
        return _claimed(claim_first(self._database, names))

    @repeated
    def claim(self, job_id: str, worker: str, lease_until: datetime) -> Claim | None:
        names = {"key": job_id, "now": micros_of(datetime.now(UTC)), "by": worker, "until": micros_of(lease_until)}
        return _claimed(claim_one(self._database, names))

    @repeated
    def count_waiting(self, before: datetime) -> dict[str, int]:
        with self._database.single() as connection:
            rows = connection.all(_COUNT_QUEUES, {"before": micros_of(before)})
        return dict(rows)

    @repeated
    def move(self, job_id: str, move: Move) -> bool:
        moment = datetime.now(UTC)
        now = micros_of(moment)
        statement = _move_statement(move.to, move.attempt is not None, move.to is Status.ACCEPTED and move.counted)
        with self._database.writing() as connection:
            if connection.change(statement, _changes(job_id, move, now)) != 1:
                return False
            _end(connection, job_id, move, now)
            for new in move.followers:
                self._intake.insert(connection, replace(new, job=replace(new.job, created=moment, updated=moment)))
            append_lines(connection, job_id, move.entries)
        return True

    @repeated
    def report(self, job_id: str, attempt: int, report: Report) -> bool:
        values: dict[str, Any] = {"key": job_id, "held": attempt, "lease": None}
        statement = _REPORT_FOLLOWED
        if report.lease_until is not None:
            statement, values["lease"] = _REPORT_HELD, micros_of(report.lease_until)
        if report.percent is not None:
            values |= {"progress": report.percent, "updated": micros_of(datetime.now(UTC))}
        if report.message is not None:
            values["message"] = report.message
        with self._database.writing() as connection:
            held = connection.change(statement, values) == 1
            if held:
                append_lines(connection, job_id, report.entries)
        return held

    @repeated
    def delete(self, job_id: str) -> bool:
        with self._database.writing() as connection:
            gone = connection.change(_DELETE, {"key": job_id}) == 1
            if gone:
                for statement in _DELETE_BESIDE:
                    connection.change(statement, {"key": job_id})
        return gone

    @repeated
    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        with self._database.single() as connection:
            if worker_prefix is None:
                rows = connection.all(_FIND_LATE, {"now": micros_of(now)})
            else:
                rows = connection.all(_FIND_OF_WORKERS, {"prefix": _escaped(worker_prefix)})
        return [codec.row_job(row) for row in rows]

    @repeated
    def find_finished(self, before: datetime, limit: int) -> list[str]:
        with self._database.single() as connection:
            rows = connection.all(_FIND_FINISHED, {"before": micros_of(before), "most": limit})
        return [job_id for (job_id,) in rows]


def _claimed(row: Row | None) -> Claim | None:
    if row is None:
        return None
    execution, followers = row[codec.JOB_WIDTH :]
    return Claim(codec.row_job(row), parse_stored(load_json(execution)), load_followers(followers))


def _changes(job_id: str, move: Move, now: int) -> dict[str, Any]:
    """Parameters of a move's statement: the row and the attempt that it looks for, and the columns that change."""
    values: dict[str, Any] = {
        "key": job_id,
        "status": str(move.to),
        "updated": now,
        "message": move.message,
        "lease": None,
    }
    if move.attempt is not None:
        values["held"] = move.attempt
    if move.to is Status.ACCEPTED:
        values |= {"worker": None, "progress": 0}
    if move.to.final:
        values["finished"] = now
    if move.to is Status.SUCCESSFUL:
        values["progress"] = 100
    return values


def _end(connection: SqlConnection, job_id: str, move: Move, now: int) -> None:
    """Store the outcome, if any; put the callback of a final status into the outbox, if there is a subscriber."""
    if move.outcome is not None:
        subscriber = _set_outcome(connection, job_id, move.outcome)
    elif move.to.final:
        subscriber = connection.scalar(_SUBSCRIBER, {"key": job_id})
    else:
        return
    if not move.to.final or subscriber is None:
        return
    successful = move.to is Status.SUCCESSFUL
    uri = load_subscriber(subscriber, successful)
    if uri:
        add_callback(connection, job_id, "success" if successful else "failed", uri, now)


def _set_outcome(connection: SqlConnection, job_id: str, outcome: Outcome) -> bytes | None:
    """Store an outcome; the subscriber to call at the end of the job."""
    values = {
        "key": job_id,
        "r": dump_results(outcome.results),
        "e": dump_error(outcome.error),
        "t": outcome.traceback,
        "s": dump_statistics(outcome.statistics),
    }
    subscriber: bytes | None
    if connection.returns_changes:
        subscriber = connection.scalar(_SET_OUTCOME_AND_TELL, values)
    else:
        connection.change(_SET_OUTCOME_ONLY, values)
        subscriber = connection.scalar(_SUBSCRIBER, {"key": job_id})
    return subscriber


def _escaped(prefix: str) -> str:
    """For LIKE, in which "/" escapes."""
    for letter in "/%_":
        prefix = prefix.replace(letter, "/" + letter)
    return prefix
