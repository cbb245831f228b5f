"""SqlStepStore: steps of jobs, a row for each."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from weaver_like.domain.step import Step
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.step import parse_stored, render_stored
from weaver_like.stores.base import StepStore
from weaver_like.stores.codec import load_json
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.logs import require_job
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.tables import jobs, steps
from weaver_like.stores.sql.upsert import upserts

#: A job that an attempt holds, locked: a change of its status waits for the transaction.
HELD = Statement(
    select(jobs.c.id)
    .where(jobs.c.id == bindparam("key"), jobs.c.status == "running", jobs.c.attempt == bindparam("held"))
    .with_for_update()
)
_FIND = Statement(
    select(steps.c.document)
    .join(jobs, (jobs.c.id == steps.c.job) & (jobs.c.attempt == steps.c.attempt))
    .where(steps.c.job == bindparam("key"), steps.c.number > bindparam("after"))
    .order_by(steps.c.number)
    .limit(bindparam("most"))
)
_KEEP = upserts(steps, ("attempt", "document"))


class SqlStepStore(StepStore):
    """Only steps of the job's last attempt are shown."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def keep(self, job_id: str, attempt: int, steps: Sequence[Step]) -> None:
        if not steps:
            return
        with self._database.writing() as connection:
            if connection.first(HELD, {"key": job_id, "held": attempt}) is not None:
                connection.change_all(_KEEP[self._database.kind], step_rows(job_id, attempt, steps))

    @repeated
    def find(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        with self._database.single() as connection:
            rows = connection.all(_FIND, {"key": job_id, "after": after, "most": limit})
            if not rows:
                require_job(connection, job_id)
        return [load_step(document) for (document,) in rows]


def step_rows(job_id: str, attempt: int, found: Iterable[Step]) -> list[dict[str, Any]]:
    """A row for each step."""
    return [
        {"job": job_id, "number": step.number, "attempt": attempt, "document": dumps(render_stored(step))}
        for step in found
    ]


def load_step(document: bytes) -> Step:
    """The step of a row."""
    return parse_stored(load_json(document))
