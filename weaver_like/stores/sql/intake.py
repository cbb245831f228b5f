"""Adds new jobs, whatever submits them: a client, a schedule, or a successful job."""

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from weaver_like.domain.job import NewJob
from weaver_like.stores.gate import QueueGate
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, Undone, repeated
from weaver_like.stores.sql.tables import documents, jobs

# Built once: building a statement costs more than running it.
_COUNT_WAITING = select(func.count()).select_from(
    select(jobs.c.id).where(jobs.c.status == "accepted").limit(bindparam("most")).subquery()
)
_ADD_JOB, _ADD_DOCUMENTS = insert(jobs), insert(documents)
#: Both rows by one statement, for PostgreSQL: one round trip instead of four.
_ADD_AT_ONCE = _ADD_DOCUMENTS.values({column: bindparam(f"new_{column}") for column in codec.DOCUMENT_COLUMNS}).add_cte(
    _ADD_JOB.values({column: bindparam(f"new_{column}") for column in codec.JOB_COLUMNS}).cte("job")
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
                except IntegrityError:  # no other job has this id: the first try has stored it
                    pass

    def _add(self, new: NewJob) -> None:
        if self._database.kind == "postgresql":
            row = codec.job_row(new.job, self._ageing_s) | codec.documents_row(new)
            with self._database.single() as connection:
                connection.execute(_ADD_AT_ONCE, {f"new_{name}": value for name, value in row.items()})
        else:
            with self._database.writing() as connection:
                self.insert(connection, new)

    def insert(self, connection: Connection, new: NewJob) -> None:
        """Store a job within the caller's transaction."""
        connection.execute(_ADD_JOB, codec.job_row(new.job, self._ageing_s))
        connection.execute(_ADD_DOCUMENTS, codec.documents_row(new))

    @repeated
    def count_waiting(self, most: int) -> int:
        """How many accepted jobs there are, counted up to `most`."""
        with self._database.single() as connection:
            return connection.execute(_COUNT_WAITING, {"most": most}).scalar_one()
