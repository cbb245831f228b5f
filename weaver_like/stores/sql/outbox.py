"""The outbox: callbacks that wait to be delivered."""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from weaver_like.domain.job import Callback
from weaver_like.stores.codec import to_micros, to_moment
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.tables import outbox


def add_callback(connection: Connection, job_id: str, kind: str, uri: str, now: int) -> None:
    """Put a callback into the outbox, within the caller's transaction."""
    connection.execute(insert(outbox), {"job": job_id, "kind": kind, "uri": uri, "attempts": 0, "due": now})


class SqlOutbox:
    """The part of `SqlJobStore` that delivers."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def notify_progress(self, job_id: str, uri: str) -> None:
        with self._database.writing() as connection:
            waiting = connection.scalar(
                select(func.count()).select_from(outbox).where(outbox.c.job == job_id, outbox.c.kind == "inProgress")
            )
            if not waiting:
                add_callback(connection, job_id, "inProgress", uri, to_micros(datetime.now(UTC)))

    @repeated
    def take_callbacks(self, now: datetime, until: datetime, limit: int) -> list[Callback]:
        query = select(outbox).where(outbox.c.due <= to_micros(now)).order_by(outbox.c.due, outbox.c.id).limit(limit)
        with self._database.single() as connection:  # most looks find nothing
            if connection.execute(query.limit(1)).first() is None:
                return []
        with self._database.writing() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            if not rows:
                return []
            connection.execute(
                update(outbox).where(outbox.c.id.in_([row.id for row in rows])).values(due=to_micros(until))
            )
        return [codec.row_callback(row) for row in rows]

    @repeated
    def next_callback(self) -> datetime | None:
        with self._database.single() as connection:
            return to_moment(connection.scalar(select(func.min(outbox.c.due))))

    @repeated
    def settle_callback(self, callback_id: int, again: datetime | None) -> None:
        entry = outbox.c.id == callback_id
        with self._database.single() as connection:
            if again is None:
                connection.execute(delete(outbox).where(entry))
            else:
                connection.execute(
                    update(outbox).where(entry).values(attempts=outbox.c.attempts + 1, due=to_micros(again))
                )
