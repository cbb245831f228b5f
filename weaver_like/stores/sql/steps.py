"""Steps of jobs on SQL."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import mysql, postgresql, sqlite

from weaver_like.domain.step import Step
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.schemas.step import parse_stored, render_stored
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.tables import jobs, steps

# A change of the status waits for this one, so that the steps of a job that goes away do not stay.
_HELD = (
    select(jobs.c.id)
    .where(jobs.c.id == bindparam("key"), jobs.c.status == "running", jobs.c.attempt == bindparam("held"))
    .with_for_update()
)
_FIND = (
    select(steps)
    .join(jobs, (jobs.c.id == steps.c.job) & (jobs.c.attempt == steps.c.attempt))
    .where(steps.c.job == bindparam("key"), steps.c.number > bindparam("after"))
    .order_by(steps.c.number)
    .limit(bindparam("most"))
)
#: Columns that a step changes which is there already.
_CHANGED = ("attempt", "document")


def _upsert(kind: str) -> object:
    if kind == "mariadb":
        statement = mysql.insert(steps)
        return statement.on_duplicate_key_update({name: statement.inserted[name] for name in _CHANGED})
    statement = {"sqlite": sqlite, "postgresql": postgresql}[kind].insert(steps)
    return statement.on_conflict_do_update(
        index_elements=["job", "number"], set_={name: statement.excluded[name] for name in _CHANGED}
    )


_KEEP = {kind: _upsert(kind) for kind in ("sqlite", "postgresql", "mariadb")}


class SqlSteps:
    """The part of `SqlJobStore` that keeps steps."""

    _database: SqlDatabase

    @repeated
    def keep_steps(self, job_id: str, attempt: int, steps: Sequence[Step]) -> None:
        if not steps:
            return
        with self._database.writing() as connection:
            if connection.execute(_HELD, {"key": job_id, "held": attempt}).first() is not None:
                connection.execute(_KEEP[self._database.kind], step_rows(job_id, attempt, steps))

    @repeated
    def find_steps(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        with self._database.single() as connection:
            rows = connection.execute(_FIND, {"key": job_id, "after": after, "most": limit}).all()
        if not rows:
            self.get(job_id)
        return [load_step(row.document) for row in rows]


def step_rows(job_id: str, attempt: int, found: Iterable[Step]) -> list[dict]:
    return [
        {"job": job_id, "number": step.number, "attempt": attempt, "document": dumps(render_stored(step))}
        for step in found
    ]


def load_step(document: bytes) -> Step:
    return parse_stored(loads(document))
