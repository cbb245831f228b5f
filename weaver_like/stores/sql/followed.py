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
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.statement import Row, Statement, one_of
from weaver_like.stores.sql.steps import HELD
from weaver_like.stores.sql.tables import followed_runs as runs
from weaver_like.stores.sql.tables import jobs

_FINAL = [str(status) for status in Status if status.final]
_JOB = bindparam("key", type_=runs.c.job.type)
_ADD = Statement(insert(runs))
_GET = Statement(select(runs).where(runs.c.job == _JOB).with_for_update())
_TAKE = Statement(update(runs).where(runs.c.job == _JOB).values(attempt=bindparam("by")))
_SET_HANDLE = Statement(update(runs).where(runs.c.job == _JOB, runs.c.attempt == bindparam("held")))
_LET_GO = Statement(
    update(jobs)
    .where(jobs.c.id == _JOB, jobs.c.status == "running", jobs.c.attempt == bindparam("held"))
    .values(worker=None, lease=None)
)
_UNHELD = (jobs.c.status == "running") & jobs.c.lease.is_(None) & runs.c.handle.is_not(None)
_WIDTH = len(runs.c)
_FIND = Statement(
    select(runs, jobs)
    .join_from(runs, jobs, jobs.c.id == runs.c.job, isouter=True)
    .where(or_(jobs.c.id.is_(None), one_of(jobs.c.status, _FINAL), _UNHELD))
)
_FORGET = Statement(delete(runs).where(runs.c.job == _JOB))


class SqlFollowedRuns(FollowedRuns):
    """A row besides that of the job, which it may outlive."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def begin(self, run: FollowedRun) -> FollowedRun | None:
        with self._database.writing() as connection:
            if connection.first(HELD, {"key": run.job_id, "held": run.attempt}) is None:
                return None
            row = connection.first(_GET, {"key": run.job_id})
            if row is None:
                connection.change(_ADD, run_row(run))
                return run
            connection.change(_TAKE, {"key": run.job_id, "by": run.attempt})
        return load_run(row)

    @repeated
    def hand_over(self, job_id: str, attempt: int, handle: str, deadline: datetime | None) -> bool:
        values: dict[str, Any] = {"key": job_id, "held": attempt}
        with self._database.writing() as connection:
            held = connection.change(_LET_GO, values) == 1
            end = None if deadline is None else micros_of(deadline)
            connection.change(_SET_HANDLE, values | {"handle": handle, "deadline": end})
        return held

    @repeated
    def find(self) -> list[tuple[FollowedRun, Job | None]]:
        with self._database.single() as connection:
            rows = connection.all(_FIND)
        return [(load_run(row[:_WIDTH]), _job(row[_WIDTH:])) for row in rows]

    @repeated
    def forget(self, job_id: str) -> None:
        with self._database.single() as connection:
            connection.change(_FORGET, {"key": job_id})


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


def load_run(row: Row) -> FollowedRun:
    """The run of a row."""
    job_id, runner, attempt, begun, handle, deadline = row
    return FollowedRun(job_id, runner, attempt, moment_of(begun), handle, moment_of(deadline))


def _job(row: Row) -> Job | None:
    """The job of a row, which is empty if the job has gone."""
    return codec.row_job(row) if row[0] else None
