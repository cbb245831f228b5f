"""SqlScheduleStore: schedules, beside the jobs that come of them."""

from contextlib import nullcontext
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update

from weaver_like.domain.errors import Conflict, NoSuchSchedule
from weaver_like.domain.schedule import Firing, Schedule, ScheduleFilter, SchedulePage
from weaver_like.stores.base import ScheduleStore
from weaver_like.stores.codec import to_micros, to_moment
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.jobs import SqlJobStore
from weaver_like.stores.sql.tables import schedules

_NEXT_DUE = select(func.min(schedules.c.due))
_ADVANCE = update(schedules).where(schedules.c.id == bindparam("key"), schedules.c.due == bindparam("held"))


class SqlScheduleStore(ScheduleStore):
    """jobs: of the same database; it makes the tables and closes the connections."""

    def __init__(self, database: SqlDatabase, jobs: SqlJobStore):
        self._database = database
        self._jobs = jobs

    def add(self, schedule: Schedule, most: int) -> None:
        with self._database.writing() as connection:
            if connection.scalar(select(func.count()).select_from(schedules)) >= most:
                raise Conflict(f"There are {most} schedules already, and no more are kept; remove one first.")
            connection.execute(insert(schedules), codec.schedule_row(schedule))

    @repeated
    def get(self, schedule_id: str) -> Schedule:
        with self._database.single() as connection:
            row = connection.execute(select(schedules).where(schedules.c.id == schedule_id)).first()
        if row is None:
            raise NoSuchSchedule(f"There is no schedule '{schedule_id[:100]}'.")
        return codec.row_schedule(row)

    @repeated
    def find(self, wanted: ScheduleFilter) -> SchedulePage:
        query = select(schedules).order_by(schedules.c.created.desc(), schedules.c.id.desc()).limit(wanted.limit + 1)
        if wanted.processes:
            query = query.where(schedules.c.process.in_(wanted.processes))
        if wanted.after:
            query = query.where(tuple_(schedules.c.created, schedules.c.id) < tuple_(*wanted.after))
        with self._database.single() as connection:
            rows = connection.execute(query).all()
        return SchedulePage(tuple(codec.row_schedule(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    @repeated
    def delete(self, schedule_id: str) -> bool:
        with self._database.writing() as connection:
            return connection.execute(delete(schedules).where(schedules.c.id == schedule_id)).rowcount == 1

    @repeated
    def due(self, now: datetime, limit: int) -> list[Schedule]:
        query = select(schedules).where(schedules.c.due <= to_micros(now)).order_by(schedules.c.due).limit(limit)
        with self._database.single() as connection:
            return [codec.row_schedule(row) for row in connection.execute(query).all()]

    @repeated
    def next_due(self) -> datetime | None:
        with self._database.single() as connection:
            return to_moment(connection.scalar(_NEXT_DUE))

    @repeated
    def fire(self, schedule: Schedule, firing: Firing, queue_limit: int) -> bool:
        changes = {"due": to_micros(firing.next_due), "fired": to_micros(firing.at), "failure": firing.failure}
        if firing.new:
            changes |= {"job": firing.new.job.id}
        place = self._jobs.gate.entering(queue_limit) if firing.new else nullcontext()
        with place, self._database.writing() as connection:
            advanced = (
                connection.execute(
                    _ADVANCE.values(**changes), {"key": schedule.id, "held": to_micros(schedule.due)}
                ).rowcount
                == 1
            )
            if advanced and firing.new:
                self._jobs.insert(connection, firing.new)
        return advanced
