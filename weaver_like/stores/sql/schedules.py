"""SqlScheduleStore: schedules, in the same database as their jobs."""

from contextlib import nullcontext
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, tuple_, update

from weaver_like.domain.errors import Conflict, NoSuchSchedule
from weaver_like.domain.job import micros_of
from weaver_like.domain.schedule import Firing, Schedule, ScheduleFilter, SchedulePage
from weaver_like.stores.base import ScheduleStore
from weaver_like.stores.codec import moment_of
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.intake import SqlJobIntake
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.tables import schedules
from weaver_like.stores.sql.visibility import seen, seen_values

_SCHEDULE = bindparam("key", type_=schedules.c.id.type)
_COUNT = Statement(select(func.count()).select_from(schedules))
_ADD = Statement(insert(schedules))
_GET = Statement(select(schedules).where(schedules.c.id == _SCHEDULE))
_DELETE = Statement(delete(schedules).where(schedules.c.id == _SCHEDULE))
_DUE = Statement(
    select(schedules).where(schedules.c.due <= bindparam("now")).order_by(schedules.c.due).limit(bindparam("most"))
)
_NEXT_DUE = Statement(select(func.min(schedules.c.due)))
#: The parameters determine the columns that change.
_ADVANCE = Statement(update(schedules).where(schedules.c.id == _SCHEDULE, schedules.c.due == bindparam("held")))
_AFTER = bindparam("after_created", type_=schedules.c.created.type), bindparam("after_id", type_=schedules.c.id.type)
#: Conditions that a list may have, in the order of the query.
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "processes": schedules.c.process.in_(bindparam("processes", expanding=True)),
    "after": tuple_(schedules.c.created, schedules.c.id) < tuple_(*_AFTER),
    "seen": seen(schedules),
}


@lru_cache
def _list_statement(conditions: frozenset[str]) -> Statement:
    """Schedules that meet some of the conditions, newest first."""
    met = [condition for name, condition in _CONDITIONS.items() if name in conditions]
    newest_first = schedules.c.created.desc(), schedules.c.id.desc()
    return Statement(select(schedules).where(*met).order_by(*newest_first).limit(bindparam("most")))


class SqlScheduleStore(ScheduleStore):
    """A firing advances its schedule and stores its job in one transaction."""

    def __init__(self, database: SqlDatabase, intake: SqlJobIntake):
        self._database = database
        self._intake = intake

    def add(self, schedule: Schedule, most: int) -> None:
        with self._database.writing() as connection:
            if connection.scalar(_COUNT) >= most:
                raise Conflict(f"There are {most} schedules already, which is the maximum; remove one first.")
            connection.change(_ADD, codec.schedule_row(schedule))

    @repeated
    def get(self, schedule_id: str) -> Schedule:
        with self._database.single() as connection:
            row = connection.first(_GET, {"key": schedule_id})
        if row is None:
            raise NoSuchSchedule(f"There is no schedule '{schedule_id[:100]}'.")
        return codec.row_schedule(row)

    @repeated
    def find(self, wanted: ScheduleFilter) -> SchedulePage:
        values: dict[str, Any] = {"most": wanted.limit + 1}
        conditions: set[str] = set()
        if wanted.processes:
            conditions.add("processes")
            values["processes"] = wanted.processes
        if wanted.after:
            conditions.add("after")
            values["after_created"], values["after_id"] = wanted.after
        if wanted.seen_by is not None:
            conditions.add("seen")
            values |= seen_values(wanted.seen_by)
        with self._database.single() as connection:
            rows = connection.all(_list_statement(frozenset(conditions)), values)
        return SchedulePage(tuple(codec.row_schedule(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    @repeated
    def delete(self, schedule_id: str) -> bool:
        with self._database.writing() as connection:
            return connection.change(_DELETE, {"key": schedule_id}) == 1

    @repeated
    def due(self, now: datetime, limit: int) -> list[Schedule]:
        with self._database.single() as connection:
            rows = connection.all(_DUE, {"now": micros_of(now), "most": limit})
        return [codec.row_schedule(row) for row in rows]

    @repeated
    def next_due(self) -> datetime | None:
        with self._database.single() as connection:
            due: int | None = connection.scalar(_NEXT_DUE)
        return moment_of(due)

    @repeated
    def fire(self, schedule: Schedule, firing: Firing, queue_limit: int) -> bool:
        place = self._intake.gate.entering(queue_limit) if firing.new else nullcontext()
        with place, self._database.writing() as connection:
            fired = _advance(connection, schedule, firing)
            if fired and firing.new:
                self._intake.insert(connection, firing.new)
        return fired


def _advance(connection: SqlConnection, schedule: Schedule, firing: Firing) -> bool:
    """Advance to the next time; False if another process was first, or the schedule has gone."""
    values = {
        "key": schedule.id,
        "held": micros_of(schedule.due),
        "due": micros_of(firing.next_due),
        "fired": micros_of(firing.at),
        "failure": firing.failure,
    }
    if firing.new:
        values["job"] = firing.new.job.id
    return connection.change(_ADVANCE, values) == 1
