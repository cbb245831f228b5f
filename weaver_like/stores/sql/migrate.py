"""Numbered migrations, applied once each, in order.

Each is one transaction, except on MariaDB, which commits at every change of a table. So each does only what is still
missing, and one that was interrupted is started again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Dialect, func, insert, inspect, select
from sqlalchemy.schema import CreateColumn

from weaver_like.domain.errors import SettingError
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.tables import (
    documents,
    followed_runs,
    jobs,
    leaders,
    logs,
    metadata,
    offer,
    outbox,
    revisions,
    schedules,
    schema_version,
    steps,
)
from weaver_like.stores.sql.types import TABLE_OPTIONS, Exact

#: Kind of database -> statement that waits until no other process migrates, and statement that lets the next one in.
#: SQLite's transactions need none.
_ALONE = {
    "postgresql": (
        "SELECT pg_advisory_lock(hashtext('weaver_like'))",
        "SELECT pg_advisory_unlock(hashtext('weaver_like'))",
    ),
    "mariadb": (
        "SELECT GET_LOCK(SHA1(CONCAT('weaver_like ', DATABASE())), 3600)",
        "SELECT RELEASE_LOCK(SHA1(CONCAT('weaver_like ', DATABASE())))",
    ),
}


def _create_tables(connection: Connection) -> None:
    metadata.create_all(connection)
    _add_offer(connection)


def _add_queues(connection: Connection) -> None:
    """Add queues of jobs, and leaders."""
    _add_column(jobs.c.queue, connection)
    _create_index("jobs_by_queue", connection)
    leaders.create(connection, checkfirst=True)


def _add_column(column: Column[Any], connection: Connection) -> None:
    """Add a column with its default, unless it is there."""
    table = column.table.name
    if column.name not in {found["name"] for found in inspect(connection).get_columns(table)}:
        written = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {written}")


def _create_index(name: str, connection: Connection) -> None:
    next(index for index in jobs.indexes if index.name == name).create(connection, checkfirst=True)


def _keep_exactly(connection: Connection) -> None:
    """Give columns types that hold any text of any size, and add an index.

    Older stores have the database server's default types and collations.
    """
    _create_index("jobs_by_both", connection)
    if connection.dialect.name == "sqlite":
        return
    found = inspect(connection)
    for table in (jobs, documents, logs, outbox, leaders):
        there = {column["name"] for column in found.get_columns(table.name)}
        changes = _retyped([column for column in table.columns if column.name in there], connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table.name} {', '.join(changes)}")


def _retyped(columns: list[Column[Any]], dialect: Dialect) -> list[str]:
    """Clauses of ALTER TABLE."""
    if dialect.name == "mariadb":
        charset, collation = TABLE_OPTIONS["mariadb_charset"], TABLE_OPTIONS["mariadb_collate"]
        modified = [f"MODIFY COLUMN {CreateColumn(column).compile(dialect=dialect)}" for column in columns]
        return [f"CONVERT TO CHARACTER SET {charset} COLLATE {collation}", *modified]
    texts = [column for column in columns if isinstance(column.type, Exact)]
    return [f"ALTER COLUMN {column.name} TYPE {column.type.compile(dialect)}" for column in texts]


def _add_schedules(connection: Connection) -> None:
    schedules.create(connection, checkfirst=True)


def _add_revisions(connection: Connection) -> None:
    revisions.create(connection, checkfirst=True)
    offer.create(connection, checkfirst=True)
    _add_offer(connection)


def _add_steps(connection: Connection) -> None:
    steps.create(connection, checkfirst=True)


def _add_ownership(connection: Connection) -> None:
    """Add owners of jobs, schedules and revisions; existing ones have no owner and are public."""
    for table in (jobs, schedules, revisions):
        _add_column(table.c.owner, connection)
        _add_column(table.c.visibility, connection)


def _add_followed_runs(connection: Connection) -> None:
    followed_runs.create(connection, checkfirst=True)


def _add_offer(connection: Connection) -> None:
    """Add the one row of the offer, while nothing is deployed."""
    if not connection.scalar(select(func.count()).select_from(offer)):
        connection.execute(insert(offer).values(id=1, number=0, versions=b"{}"))


#: A migration is never changed after a release; a new one takes the next number.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    1: _create_tables,
    2: _add_queues,
    3: _keep_exactly,
    4: _add_schedules,
    5: _add_revisions,
    6: _add_steps,
    7: _add_ownership,
    8: _add_followed_runs,
}


def migrate(database: SqlDatabase) -> list[int]:
    """Apply missing migrations; their numbers.

    A new store is created with the newest schema, and counts as migrated.
    Raises: SettingError, if the database is of a newer release.
    """
    with _alone(database), database.altering() as connection:
        schema_version.create(connection, checkfirst=True)
        current = connection.scalar(select(func.max(schema_version.c.number))) or 0
        if current > max(MIGRATIONS):
            raise SettingError(
                f"The store has schema {current}; this release knows schemas up to {max(MIGRATIONS)}. "
                "Install the newer release."
            )
        missing = [number for number in sorted(MIGRATIONS) if number > current]
        for number in missing:
            if current or number == 1:
                MIGRATIONS[number](connection)
            connection.execute(insert(schema_version).values(number=number, applied=time.time_ns() // 1000))
    return missing


@contextmanager
def _alone(database: SqlDatabase) -> Iterator[None]:
    """Let one process at a time migrate."""
    if database.kind not in _ALONE:
        yield
        return
    enter, leave = _ALONE[database.kind]
    with database.single() as connection:
        connection.execute(enter)
        try:
            yield
        finally:
            connection.execute(leave)
