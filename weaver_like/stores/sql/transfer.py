"""SqlJobTransfer: reads and writes whole jobs, to copy them between stores."""

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, insert, select, tuple_

from weaver_like.domain.job import StoredJob
from weaver_like.stores.base import EXPORT_BYTES, JobTransfer
from weaver_like.stores.codec import moment_of
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.followed import load_run, run_row
from weaver_like.stores.sql.statement import Row, Statement
from weaver_like.stores.sql.steps import load_step, step_rows
from weaver_like.stores.sql.tables import documents, followed_runs, jobs, logs, outbox, steps

_BY_AGE = select(jobs).order_by(jobs.c.created, jobs.c.id).limit(bindparam("most"))
_AFTER = bindparam("after_created", type_=jobs.c.created.type), bindparam("after_id", type_=jobs.c.id.type)
_OLDEST_FIRST = Statement(_BY_AGE)
_OLDEST_FIRST_AFTER = Statement(
    _BY_AGE.where(jobs.c.created >= _AFTER[0], tuple_(jobs.c.created, jobs.c.id) > tuple_(*_AFTER))
)
_IDS = bindparam("ids", type_=jobs.c.id.type, expanding=True)
_DOCUMENTS = Statement(select(documents).where(documents.c.job.in_(_IDS)))
_LOGS = Statement(select(logs).where(logs.c.job.in_(_IDS)).order_by(logs.c.job, logs.c.number))
_CALLBACKS = Statement(select(outbox).where(outbox.c.job.in_(_IDS)).order_by(outbox.c.due, outbox.c.id))
_STEPS = Statement(
    select(steps.c.job, steps.c.attempt, steps.c.document)
    .where(steps.c.job.in_(_IDS))
    .order_by(steps.c.job, steps.c.number)
)
_RUNS = Statement(select(followed_runs).where(followed_runs.c.job.in_(_IDS)))
_LARGE = [
    func.coalesce(func.length(column), 0)
    for column in (documents.c.execution, documents.c.followers, documents.c.results, documents.c.traceback)
]
#: Bytes or characters by job.
_SIZES = [
    Statement(select(key, func.sum(size)).where(key.in_(_IDS)).group_by(key))
    for key, size in (
        (documents.c.job, reduce(add, _LARGE)),
        (logs.c.job, func.length(logs.c.message)),
        (steps.c.job, func.length(steps.c.document)),
    )
]
_TABLES = (jobs, documents, logs, steps, followed_runs, outbox)
_ADD = {table: Statement(insert(table).inline()) for table in _TABLES}
_REMOVE = {
    table: Statement(delete(table).where((table.c.id if table is jobs else table.c.job).in_(_IDS))) for table in _TABLES
}


class SqlJobTransfer(JobTransfer):
    """Reads and writes the tables of the jobs, all rows of a batch with one statement for each table."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        query = _OLDEST_FIRST
        values: dict[str, Any] = {"most": limit}
        if after:
            query = _OLDEST_FIRST_AFTER
            values["after_created"], values["after_id"] = after
        with self._database.single() as connection:
            return _whole(connection, _fitting(connection, connection.all(query, values)))

    @repeated
    def put(self, stored: Sequence[StoredJob]) -> None:
        """One transaction: all of them, or none."""
        ids = {"ids": [one.job.id for one in stored]}
        rows: dict[Table, list[dict[str, Any]]] = {
            jobs: [codec.stored_job_row(one) for one in stored],
            documents: [codec.stored_documents_row(one) for one in stored],
            logs: [codec.entry_row(one.job.id, entry.number, entry) for one in stored for entry in one.log],
            steps: [row for one in stored for row in step_rows(one.job.id, one.job.attempt, one.steps)],
            followed_runs: [run_row(one.run) for one in stored if one.run],
            outbox: [row for one in stored for row in codec.stored_callback_rows(one)],
        }
        with self._database.writing() as connection:
            for table, new in rows.items():
                connection.change(_REMOVE[table], ids)
                if new:
                    connection.change_all(_ADD[table], new)


def _whole(connection: SqlConnection, rows: Sequence[Row]) -> list[StoredJob]:
    """The jobs of some rows, with everything that is kept in other tables."""
    ids = {"ids": [row[0] for row in rows]}
    kept = {row[0]: codec.row_documents(row) for row in connection.all(_DOCUMENTS, ids)}
    log, waiting, done = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in connection.all(_LOGS, ids):
        log[row[0]].append(codec.row_entry(row))
    for row in connection.all(_CALLBACKS, ids):
        waiting[row[1]].append(codec.row_waiting(row))
    for job_id, attempt, document in connection.all(_STEPS, ids):
        done[job_id, attempt].append(load_step(document))
    runs = {row[0]: load_run(row) for row in connection.all(_RUNS, ids)}
    return [
        StoredJob(
            job,
            kept[job.id],
            place,
            moment_of(lease),
            tuple(log[job.id]),
            tuple(waiting[job.id]),
            tuple(done[job.id, job.attempt]),
            runs.get(job.id),
        )
        for job, place, lease in map(codec.row_placed_job, rows)
    ]


def _fitting(connection: SqlConnection, rows: Sequence[Row]) -> Sequence[Row]:
    """The first rows, up to `EXPORT_BYTES` of documents, logs and steps, but at least one."""
    sizes: dict[str, int] = defaultdict(int)
    ids = {"ids": [row[0] for row in rows]}
    for query in _SIZES:
        for job_id, size in connection.all(query, ids):
            sizes[job_id] += int(size)
    total_bytes = 0
    for number, row in enumerate(rows):
        total_bytes += sizes[row[0]]
        if total_bytes > EXPORT_BYTES:
            return rows[: max(1, number)]
    return rows
