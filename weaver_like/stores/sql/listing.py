"""Lists of jobs: walks along the indexes, merged."""

import heapq
from functools import lru_cache
from itertools import islice, product
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, select, tuple_

from weaver_like.domain.job import JobFilter, micros_of
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.statement import Row, Statement
from weaver_like.stores.sql.tables import jobs
from weaver_like.stores.sql.visibility import seen, seen_values

#: Beyond this many (process, status) pairs one plain query costs less than one index walk for each.
_MAX_WALKS = 24
_CREATED = list(jobs.c).index(jobs.c.created)
_AFTER = bindparam("after_created", type_=jobs.c.created.type), bindparam("after_id", type_=jobs.c.id.type)
_duration = func.coalesce(jobs.c.finished, bindparam("now", type_=jobs.c.finished.type)) - jobs.c.started
#: Conditions that a list may have, in the order of the query.
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    # MariaDB looks up a single column in an index, but no pair.
    "after": and_(jobs.c.created <= _AFTER[0], tuple_(jobs.c.created, jobs.c.id) < tuple_(*_AFTER)),
    "created_from": jobs.c.created >= bindparam("created_from"),
    "created_to": jobs.c.created <= bindparam("created_to"),
    "started": jobs.c.started.is_not(None),
    "min_duration": _duration >= bindparam("min_duration"),
    "max_duration": _duration <= bindparam("max_duration"),
    "seen": seen(jobs),
    "process": jobs.c.process == bindparam("process_id"),
    "processes": jobs.c.process.in_(bindparam("processes", expanding=True)),
    "status": jobs.c.status == bindparam("status_name"),
    "statuses": jobs.c.status.in_(bindparam("statuses", expanding=True)),
}


@lru_cache(maxsize=512)
def _statement(conditions: frozenset[str]) -> Statement:
    """Jobs that meet some of the conditions, newest first."""
    met = [condition for name, condition in _CONDITIONS.items() if name in conditions]
    newest_first = jobs.c.created.desc(), jobs.c.id.desc()
    return Statement(select(jobs).where(*met).order_by(*newest_first).limit(bindparam("most")))


def find_rows(connection: SqlConnection, wanted: JobFilter, now: int) -> list[Row]:
    """Rows of jobs, newest first, one more than wanted if there are more.

    One index walk of `limit + 1` rows for each (process, status) pair, merged: an IN list would sort every match.

    Args:
        now: microseconds; the duration of running jobs counts until then.
    """
    conditions, values = _narrowed(wanted, now)
    walks = list(product(wanted.processes or [None], wanted.statuses or [None]))
    if len(walks) > _MAX_WALKS:
        if wanted.processes:
            conditions, values = conditions | {"processes"}, values | {"processes": wanted.processes}
        if wanted.statuses:
            names = [str(status) for status in wanted.statuses]
            conditions, values = conditions | {"statuses"}, values | {"statuses": names}
        return connection.all(_statement(conditions), values)
    pages = [_walk(connection, conditions, values, process, status) for process, status in walks]
    if len(pages) == 1:
        return pages[0]
    merged = heapq.merge(*pages, key=_age, reverse=True)
    return list(islice(merged, wanted.limit + 1))


def _walk(
    connection: SqlConnection,
    conditions: frozenset[str],
    values: dict[str, Any],
    process: str | None,
    status: str | None,
) -> list[Row]:
    if process is not None:
        conditions, values = conditions | {"process"}, values | {"process_id": process}
    if status is not None:
        conditions, values = conditions | {"status"}, values | {"status_name": str(status)}
    return connection.all(_statement(conditions), values)


def _age(row: Row) -> tuple[int, str]:
    return row[_CREATED], row[0]


def _narrowed(wanted: JobFilter, now: int) -> tuple[frozenset[str], dict[str, Any]]:
    """Names of the conditions that a filter sets besides process and status, and the values that they compare with."""
    conditions: set[str] = set()
    values: dict[str, Any] = {"most": wanted.limit + 1}
    if wanted.after:
        conditions.add("after")
        values["after_created"], values["after_id"] = wanted.after
    moments = {"created_from": wanted.created_from, "created_to": wanted.created_to}
    for name, moment in moments.items():
        if moment is not None:
            conditions.add(name)
            values[name] = micros_of(moment)
    durations = {"min_duration": wanted.min_duration, "max_duration": wanted.max_duration}
    for name, duration in durations.items():
        if duration is not None:
            conditions |= {"started", name}
            values |= {name: int(duration.total_seconds() * 1e6), "now": now}
    if wanted.seen_by is not None:
        conditions.add("seen")
        values |= seen_values(wanted.seen_by)
    return frozenset(conditions), values
