"""SqlFollowedRuns: runs of jobs in foreign systems, a row for each."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.job import Job, micros_of
from weaver_like.domain.status import Status
from weaver_like.stores.base import FollowedRuns
from weaver_like.stores.codec import moment_of
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.steps import HELD
from weaver_like.stores.sql.tables import followed_runs as runs
from weaver_like.stores.sql.tables import jobs
from weaver_like.stores.sql.types import AnyRow

_FINAL = [str(status) for status in Status if status.final]
_JOB = bindparam("key", type_=runs.c.job.type)
_GET = select(runs).where(runs.c.job == _JOB).with_for_update()
_TAKE = update(runs).where(runs.c.job == _JOB).values(attempt=bindparam("by"))
_SET_HANDLE = update(runs).where(runs.c.job == _JOB, runs.c.attempt == bindparam("held"))
_LET_GO = (
    update(jobs)
    .where(jobs.c.id == _JOB, jobs.c.status == "running", jobs.c.attempt == bindparam("held"))
    .values(worker=None, lease=None)
)
_UNHELD = (jobs.c.status == "running") & jobs.c.lease.is_(None) & runs.c.handle.is_not(None)
_RUN_COLUMNS = [column.label(f"run_{column.name}") for column in runs.c]
_FIND = (
    select(*_RUN_COLUMNS, jobs)
    .join_from(runs, jobs, jobs.c.id == runs.c.job, isouter=True)
    .where(or_(jobs.c.id.is_(None), jobs.c.status.in_(_FINAL), _UNHELD))
)
_FORGET = delete(runs).where(runs.c.job == _JOB)


class SqlFollowedRuns(FollowedRuns):
    """A row besides that of the job, which it may outlive."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def begin(self, run: FollowedRun) -> FollowedRun | None:
        with self._database.writing() as connection:
            if connection.execute(HELD, {"key": run.job_id, "held": run.attempt}).first() is None:
                return None
            row = connection.execute(_GET, {"key": run.job_id}).first()
            if row is None:
                connection.execute(insert(runs), run_row(run))
                return run
            connection.execute(_TAKE, {"key": run.job_id, "by": run.attempt})
        return load_run(row)

    @repeated
    def hand_over(self, job_id: str, attempt: int, handle: str, deadline: datetime | None) -> bool:
        values: dict[str, Any] = {"key": job_id, "held": attempt}
        with self._database.writing() as connection:
            held = connection.execute(_LET_GO, values).rowcount == 1
            end = None if deadline is None else micros_of(deadline)
            connection.execute(_SET_HANDLE, values | {"handle": handle, "deadline": end})
        return held

    @repeated
    def find(self) -> list[tuple[FollowedRun, Job | None]]:
        with self._database.single() as connection:
            rows = connection.execute(_FIND).all()
        return [(load_run(row, "run_"), codec.row_job(row) if row.id else None) for row in rows]

    @repeated
    def forget(self, job_id: str) -> None:
        with self._database.single() as connection:
            connection.execute(_FORGET, {"key": job_id})


def run_row(run: FollowedRun) -> dict[str, Any]:
    """The row of a run."""
    return {
        "job": run.job_id,
        "runner": run.runner,
        "attempt": run.attempt,
        "begun": micros_of(run.begun),
        "handle": run.handle,
        "deadline": None if run.deadline is None else micros_of(run.deadline),
    }


def load_run(row: AnyRow, prefix: str = "") -> FollowedRun:
    """The run of a row. prefix: of the names of its columns."""
    values = row._mapping
    return FollowedRun(
        values[f"{prefix}job"],
        values[f"{prefix}runner"],
        values[f"{prefix}attempt"],
        moment_of(values[f"{prefix}begun"]),
        values[f"{prefix}handle"],
        moment_of(values[f"{prefix}deadline"]),
    )
