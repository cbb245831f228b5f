"""SqlJobLogs: logs of jobs, a row for each line."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, insert, select

from weaver_like.domain.job import LogEntry
from weaver_like.stores.base import JobLogs
from weaver_like.stores.codec import no_such_job
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.tables import jobs, logs

_JOB = bindparam("key", type_=jobs.c.id.type)
_FIND_ID = select(jobs.c.id).where(jobs.c.id == _JOB)
_THERE = Statement(_FIND_ID)
# The end of a job waits for this lock, so that no line is added after the job was deleted.
_LOCK = Statement(_FIND_ID.with_for_update())
_LAST_LINE = Statement(select(func.max(logs.c.number)).where(logs.c.job == _JOB))
_ADD_LINES = Statement(insert(logs))
_READ = Statement(
    select(logs)
    .where(logs.c.job == _JOB, logs.c.number > bindparam("after"))
    .order_by(logs.c.number)
    .limit(bindparam("most"))
)


class SqlJobLogs(JobLogs):
    """Rows are appended, never rewritten."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def append(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        with self._database.writing() as connection:
            if connection.first(_LOCK, {"key": job_id}) is not None:
                append_lines(connection, job_id, entries)

    @repeated
    def read(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        with self._database.single() as connection:
            rows = connection.all(_READ, {"key": job_id, "after": after, "most": limit})
            if not rows:
                require_job(connection, job_id)
        return [codec.row_entry(row) for row in rows]


def append_lines(connection: SqlConnection, job_id: str, entries: Sequence[LogEntry]) -> None:
    """Add lines to the log of a job that the caller's transaction has locked."""
    if not entries:
        return
    last = connection.scalar(_LAST_LINE, {"key": job_id}) or 0
    rows = [codec.entry_row(job_id, number, entry) for number, entry in enumerate(entries, last + 1)]
    connection.change_all(_ADD_LINES, rows)


def require_job(connection: SqlConnection, job_id: str) -> None:
    """Raises: NoSuchJob."""
    if connection.first(_THERE, {"key": job_id}) is None:
        raise no_such_job(job_id)
