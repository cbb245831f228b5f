"""SqlOutbox: callbacks that wait to be delivered, a row for each."""

from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from weaver_like.domain.job import Callback, micros_of
from weaver_like.stores.base import Outbox
from weaver_like.stores.codec import moment_of
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.tables import outbox

_ADD = Statement(insert(outbox).inline())
_COUNT_PROGRESS = Statement(
    select(func.count()).select_from(outbox).where(outbox.c.job == bindparam("key"), outbox.c.kind == "inProgress")
)
_OLDEST_DUE = (
    select(outbox).where(outbox.c.due <= bindparam("now")).order_by(outbox.c.due, outbox.c.id).limit(bindparam("most"))
)
_DUE = Statement(_OLDEST_DUE)
_LOCK_DUE = Statement(_OLDEST_DUE.with_for_update(skip_locked=True))
_TAKE = Statement(
    update(outbox).where(outbox.c.id.in_(bindparam("taken", expanding=True))).values(due=bindparam("until"))
)
_NEXT_DUE = Statement(select(func.min(outbox.c.due)))
_REMOVE = Statement(delete(outbox).where(outbox.c.id == bindparam("key")))
_PUT_OFF = Statement(
    update(outbox).where(outbox.c.id == bindparam("key")).values(attempts=outbox.c.attempts + 1, due=bindparam("again"))
)


def add_callback(connection: SqlConnection, job_id: str, kind: str, uri: str, now: int) -> None:
    """Put a callback into the outbox, within the caller's transaction."""
    connection.change(_ADD, {"job": job_id, "kind": kind, "uri": uri, "attempts": 0, "due": now})


class SqlOutbox(Outbox):
    """Callbacks of a final status are written in the transaction that changes it."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def add_progress(self, job_id: str, uri: str) -> None:
        with self._database.writing() as connection:
            if not connection.scalar(_COUNT_PROGRESS, {"key": job_id}):
                add_callback(connection, job_id, "inProgress", uri, micros_of(datetime.now(UTC)))

    @repeated
    def take(self, now: datetime, until: datetime, limit: int) -> list[Callback]:
        moment = micros_of(now)
        with self._database.single() as connection:  # most looks find nothing
            if connection.first(_DUE, {"now": moment, "most": 1}) is None:
                return []
        with self._database.writing() as connection:
            rows = connection.all(_LOCK_DUE, {"now": moment, "most": limit})
            if not rows:
                return []
            connection.change(_TAKE, {"taken": [row[0] for row in rows], "until": micros_of(until)})
        return [codec.row_callback(row) for row in rows]

    @repeated
    def next_due(self) -> datetime | None:
        with self._database.single() as connection:
            due: int | None = connection.scalar(_NEXT_DUE)
        return moment_of(due)

    @repeated
    def settle(self, callback_id: int, again: datetime | None) -> None:
        with self._database.single() as connection:
            if again is None:
                connection.change(_REMOVE, {"key": callback_id})
            else:
                connection.change(_PUT_OFF, {"key": callback_id, "again": micros_of(again)})
