"""SqlJobTransfer: reads and writes whole jobs, to copy them between stores."""

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, tuple_

from weaver_like.domain.job import StoredJob
from weaver_like.stores.base import EXPORT_BYTES, JobTransfer
from weaver_like.stores.codec import moment_of
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.followed import load_run, run_row
from weaver_like.stores.sql.steps import load_step, step_rows
from weaver_like.stores.sql.tables import documents, followed_runs, jobs, logs, outbox, steps
from weaver_like.stores.sql.types import AnyRow, AnySelect

_OLDEST_FIRST = select(jobs).order_by(jobs.c.created, jobs.c.id).limit(bindparam("most"))
_AFTER = bindparam("after_created", type_=jobs.c.created.type), bindparam("after_id", type_=jobs.c.id.type)
_OLDEST_FIRST_AFTER = _OLDEST_FIRST.where(
    jobs.c.created >= _AFTER[0], tuple_(jobs.c.created, jobs.c.id) > tuple_(*_AFTER)
)
_IDS = bindparam("ids", type_=jobs.c.id.type, expanding=True)
_DOCUMENTS = select(documents).where(documents.c.job.in_(_IDS))
_LOGS = select(logs).where(logs.c.job.in_(_IDS)).order_by(logs.c.job, logs.c.number)
_CALLBACKS = select(outbox).where(outbox.c.job.in_(_IDS)).order_by(outbox.c.due, outbox.c.id)
_STEPS = select(steps).where(steps.c.job.in_(_IDS)).order_by(steps.c.job, steps.c.number)
_RUNS = select(followed_runs).where(followed_runs.c.job.in_(_IDS))
_LARGE = [
    func.coalesce(func.length(column), 0)
    for column in (documents.c.execution, documents.c.followers, documents.c.results, documents.c.traceback)
]
#: Bytes or characters by job.
_SIZES: tuple[AnySelect, ...] = (
    select(documents.c.job, reduce(add, _LARGE)).where(documents.c.job.in_(_IDS)),
    select(logs.c.job, func.sum(func.length(logs.c.message))).where(logs.c.job.in_(_IDS)).group_by(logs.c.job),
    select(steps.c.job, func.sum(func.length(steps.c.document))).where(steps.c.job.in_(_IDS)).group_by(steps.c.job),
)


class SqlJobTransfer(JobTransfer):
    """Reads and writes the tables of the jobs, all rows of a batch with one statement for each table."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        query: AnySelect = _OLDEST_FIRST
        values: dict[str, Any] = {"most": limit}
        if after:
            query = _OLDEST_FIRST_AFTER
            values["after_created"], values["after_id"] = after
        with self._database.single() as connection:
            return _whole(connection, _fitting(connection, connection.execute(query, values).all()))

    @repeated
    def put(self, stored: Sequence[StoredJob]) -> None:
        """One transaction: all of them, or none."""
        ids = [one.job.id for one in stored]
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
                key = table.c.id if table is jobs else table.c.job
                connection.execute(delete(table).where(key.in_(ids)))
                if new:
                    connection.execute(insert(table), new)


def _whole(connection: Connection, rows: Sequence[AnyRow]) -> list[StoredJob]:
    """The jobs of some rows, with everything that is kept in other tables."""
    ids = {"ids": [row.id for row in rows]}
    kept = {row.job: codec.row_documents(row) for row in connection.execute(_DOCUMENTS, ids)}
    log, waiting, done = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in connection.execute(_LOGS, ids):
        log[row.job].append(codec.row_entry(row))
    for row in connection.execute(_CALLBACKS, ids):
        waiting[row.job].append(codec.row_waiting(row))
    for row in connection.execute(_STEPS, ids):
        done[row.job, row.attempt].append(load_step(row.document))
    runs = {row.job: load_run(row) for row in connection.execute(_RUNS, ids)}
    return [
        StoredJob(
            codec.row_job(row),
            kept[row.id],
            row.place,
            moment_of(row.lease),
            tuple(log[row.id]),
            tuple(waiting[row.id]),
            tuple(done[row.id, row.attempt]),
            runs.get(row.id),
        )
        for row in rows
    ]


def _fitting(connection: Connection, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
    """The first rows, up to `EXPORT_BYTES` of documents, logs and steps, but at least one."""
    sizes: dict[str, int] = defaultdict(int)
    ids = {"ids": [row.id for row in rows]}
    for query in _SIZES:
        for job_id, size in connection.execute(query, ids):
            sizes[job_id] += int(size)
    total_bytes = 0
    for number, row in enumerate(rows):
        total_bytes += sizes[row.id]
        if total_bytes > EXPORT_BYTES:
            return rows[: max(1, number)]
    return rows
