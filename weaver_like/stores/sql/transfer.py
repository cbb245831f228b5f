"""Whole jobs, on their way from one store to another."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_

from weaver_like.domain.job import StoredJob
from weaver_like.stores.base import EXPORT_BYTES
from weaver_like.stores.codec import to_moment
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.steps import load_step, step_rows
from weaver_like.stores.sql.tables import documents, jobs, logs, outbox, steps

_OLDEST_FIRST = select(jobs).order_by(jobs.c.created, jobs.c.id)
_LARGE = (documents.c.execution, documents.c.followers, documents.c.results, documents.c.traceback)
_SIZES = select(documents.c.job, sum(func.coalesce(func.length(column), 0) for column in _LARGE))
_LOG_SIZES = select(logs.c.job, func.sum(func.length(logs.c.message))).group_by(logs.c.job)
_STEP_SIZES = select(steps.c.job, func.sum(func.length(steps.c.document))).group_by(steps.c.job)


class SqlTransfer:
    """The part of `SqlJobStore` that gives and takes whole jobs."""

    _database: SqlDatabase

    @repeated
    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        query = _OLDEST_FIRST.limit(limit)
        if after:
            query = query.where(jobs.c.created >= after[0], tuple_(jobs.c.created, jobs.c.id) > tuple_(*after))
        with self._database.single() as connection:
            rows = _fitting(connection, connection.execute(query).all())
            ids = [row.id for row in rows]
            kept = {row.job: row for row in connection.execute(select(documents).where(documents.c.job.in_(ids)))}
            log, waiting, done = defaultdict(list), defaultdict(list), defaultdict(list)
            for row in connection.execute(select(logs).where(logs.c.job.in_(ids)).order_by(logs.c.job, logs.c.number)):
                log[row.job].append(codec.row_entry(row))
            for row in connection.execute(
                select(outbox).where(outbox.c.job.in_(ids)).order_by(outbox.c.due, outbox.c.id)
            ):
                waiting[row.job].append(codec.row_waiting(row))
            for row in connection.execute(
                select(steps).where(steps.c.job.in_(ids)).order_by(steps.c.job, steps.c.number)
            ):
                done[row.job, row.attempt].append(load_step(row.document))
        return [
            StoredJob(
                codec.row_job(row),
                codec.row_documents(kept[row.id]),
                row.place,
                to_moment(row.lease),
                tuple(log[row.id]),
                tuple(waiting[row.id]),
                tuple(done[row.id, row.attempt]),
            )
            for row in rows
        ]

    @repeated
    def put(self, stored: Sequence[StoredJob]) -> None:
        """One transaction: all of them, or none."""
        ids = [one.job.id for one in stored]
        rows = {
            jobs: [codec.stored_job_row(one) for one in stored],
            documents: [codec.stored_documents_row(one) for one in stored],
            logs: [codec.entry_row(one.job.id, entry.number, entry) for one in stored for entry in one.log],
            steps: [row for one in stored for row in step_rows(one.job.id, one.job.attempt, one.steps)],
            outbox: [row for one in stored for row in codec.stored_callback_rows(one)],
        }
        with self._database.writing() as connection:
            for table, new in rows.items():
                connection.execute(delete(table).where((table.c.id if table is jobs else table.c.job).in_(ids)))
                if new:
                    connection.execute(insert(table), new)


def _fitting(connection: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    """The first rows, as many as have `EXPORT_BYTES` in their documents, logs and steps; one at least, if there is one."""
    ids = [row.id for row in rows]
    sizes = dict(connection.execute(_SIZES.where(documents.c.job.in_(ids))).all())
    lines = dict(connection.execute(_LOG_SIZES.where(logs.c.job.in_(ids))).all())
    told = dict(connection.execute(_STEP_SIZES.where(steps.c.job.in_(ids))).all())
    total_bytes = 0
    for number, row in enumerate(rows):
        total_bytes += sum(int(counted.get(row.id, 0)) for counted in (sizes, lines, told))
        if total_bytes > EXPORT_BYTES:
            return rows[: max(1, number)]
    return rows
