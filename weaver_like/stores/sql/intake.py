"""Adds new jobs, whatever submits them: a client, a schedule, or a successful job."""

from sqlalchemy import bindparam, func, insert, select

from weaver_like.domain.job import NewJob
from weaver_like.stores.gate import QueueGate
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import Duplicate, Undone, repeated
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.tables import documents, jobs

_COUNT_WAITING = Statement(
    select(func.count()).select_from(
        select(jobs.c.id).where(jobs.c.status == "accepted").limit(bindparam("most")).subquery()
    )
)
_ADD_JOB, _ADD_DOCUMENTS = Statement(insert(jobs)), Statement(insert(documents))
#: Both rows by one statement, for PostgreSQL: one round trip instead of four.
_ADD_AT_ONCE = Statement(
    insert(documents)
    .values({column: bindparam(f"new_{column}") for column in codec.DOCUMENT_COLUMNS})
    .add_cte(insert(jobs).values({column: bindparam(f"new_{column}") for column in codec.JOB_COLUMNS}).cte("job"))
)


class SqlJobIntake:
    """Adds jobs, within the limit of the queue.

    Args:
        ageing_s: seconds of waiting that make a job as urgent as one of the next level.
    """

    def __init__(self, database: SqlDatabase, ageing_s: float):
        self._database = database
        self._ageing_s = ageing_s
        #: All new jobs pass it, except followers of a chain.
        self.gate = QueueGate(self.count_waiting)

    def add(self, new: NewJob, queue_limit: int) -> None:
        """As `JobStore.add`."""
        with self.gate.entering(queue_limit):
            try:
                self._add(new)
            except Undone:
                try:
                    self._add(new)
                except Duplicate:  # no other job has this id: the first try has stored it
                    pass

    def _add(self, new: NewJob) -> None:
        if self._database.kind == "postgresql":
            row = codec.job_row(new.job, self._ageing_s) | codec.documents_row(new)
            with self._database.single() as connection:
                connection.change(_ADD_AT_ONCE, {f"new_{name}": value for name, value in row.items()})
        else:
            with self._database.writing() as connection:
                self.insert(connection, new)

    def insert(self, connection: SqlConnection, new: NewJob) -> None:
        """Store a job within the caller's transaction."""
        connection.change(_ADD_JOB, codec.job_row(new.job, self._ageing_s))
        connection.change(_ADD_DOCUMENTS, codec.documents_row(new))

    @repeated
    def count_waiting(self, most: int) -> int:
        """How many accepted jobs there are, counted up to `most`."""
        with self._database.single() as connection:
            waiting: int = connection.scalar(_COUNT_WAITING, {"most": most})
        return waiting
