"""Connections of one OS process to one database."""

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.stores.sql.packets import refuse_large

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

#: Databases that the tests know, with their drivers.
_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg", "mariadb": "pymysql"}
#: Sent once on each new connection. A connection that idles within a transaction would keep others from its jobs, so
#: the database server ends it.
_GREETINGS = {
    "sqlite": (
        "PRAGMA busy_timeout=30000",
        "PRAGMA journal_mode=WAL",
        "PRAGMA cache_size=-4096",
        "PRAGMA temp_store=MEMORY",
    ),
    "postgresql": ("SET idle_in_transaction_session_timeout = '60s'",),
    "mariadb": (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', idle_transaction_timeout = 60",
    ),
}
_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN ISOLATION LEVEL READ COMMITTED", "mariadb": "BEGIN"}
#: Most connections of a server to its database server; a statement takes a millisecond, so few connections serve many
#: threads.
_MOST_CONNECTIONS = 8
#: Deadlocks and conflicts: SQLSTATE of PostgreSQL, numbers of MariaDB.
_CONFLICTS = {"40001", "40P01", 1213, 1020}
#: No such table: the first server on this database is still making the tables. SQLite's error is an
#: OperationalError anyway.
_NO_TABLE = {"42P01", 1146}
#: How long to wait for other processes that open the same new file.
_OPENING_S = 30.0
_PAUSES_S = (0.0, 0.02, 0.1, 0.5)


class Undone(Unavailable):
    """The request had no effect or may be repeated: a deadlock, or a connection that died."""


def repeated(method: Callable[P, R]) -> Callable[P, R]:
    """Repeat a method, a few times, after `Undone`."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause_s in _PAUSES_S:
            try:
                return method(*args, **kwargs)
            except Undone:
                time.sleep(random.uniform(0, pause_s))
        return method(*args, **kwargs)

    return call


class SqlDatabase:
    """One engine; `single` gives a connection for statements that stand alone, `writing` one for a transaction.

    Connections commit each statement automatically, so that a read costs one round trip; a transaction begins and
    ends with statements of its own. No connection is tested before its use, which would cost a round trip: a dead one
    fails the statement, all older ones are given up with it, and `repeated` tries again.

    SQLite: WAL; every transaction begins with BEGIN IMMEDIATE, because a deferred one that turns into a write fails
    under contention whatever the busy timeout is. PostgreSQL and MariaDB: READ COMMITTED, so that a change waits for
    another one and then sees its result.

    Args:
        synchronous: how SQLite syncs its file (PRAGMA synchronous).
        connections: how many threads will use it.
    Raises: SettingError.
    """

    def __init__(self, url: str, synchronous: str, connections: int):
        self.url = _parse(url)
        self.kind = self.url.get_backend_name()
        try:
            self.engine: Engine = create_engine(
                self.url,
                isolation_level="AUTOCOMMIT",
                skip_autocommit_rollback=True,
                hide_parameters=True,
                **_options(self.kind, connections),
            )
        except ImportError as error:
            extra = {"postgresql": "postgres"}.get(self.kind, self.kind)
            raise SettingError(
                f"The setting 'store.url' needs a driver that is not installed: {error}. Install weaver-like[{extra}]."
            ) from error
        except ArgumentError as error:
            raise SettingError(f"The setting 'store.url' cannot be used: {error}.") from error
        if self.kind == "mariadb":
            refuse_large(self.engine)
        greeting = list(_GREETINGS[self.kind])
        if self.kind == "sqlite":
            greeting.append(f"PRAGMA synchronous={synchronous}")

        @event.listens_for(self.engine, "connect")
        def greet(connection: DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            for statement in greeting:
                _patiently(cursor.execute, statement)
            cursor.close()

    @contextmanager
    def single(self) -> Iterator[Connection]:
        """For reads, and for a change by one statement that may be repeated. Raises: Undone, Unavailable."""
        with self._connected() as connection, _translated(Undone):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction. Raises: Undone; Unavailable, also if it is not known whether the commit succeeded."""
        with self._connected() as connection:
            with _translated(Undone):
                connection.exec_driver_sql(_BEGIN[self.kind])
                try:
                    yield connection
                except BaseException:
                    _roll_back(connection)
                    raise
            with _translated(Unavailable):
                connection.exec_driver_sql("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with _translated(Unavailable):
            connection = self.engine.connect()
        with connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _parse(text: str) -> URL:
    """Raises: SettingError, which shows no part of an invalid URL: any part may be the password."""
    try:
        url = make_url(text)
        backend, driver = url.get_backend_name(), url.get_driver_name()
    except (ArgumentError, ValueError):
        raise SettingError(
            "The setting 'store.url' is not a database URL; expected DATABASE+DRIVER://USER:PASSWORD@HOST:PORT/NAME, "
            "in which @ : / ? # % of a password are written as %40 %3A %2F %3F %23 %25."
        ) from None
    if driver != _DRIVERS.get(backend):
        known = ", ".join(f"{kind}+{driver}://" for kind, driver in _DRIVERS.items())
        raise SettingError(
            f"The setting 'store.url' begins with '{url.drivername}'; expected one of {known}, or sqlite:///."
        )
    return url


def _options(kind: str, connections: int) -> dict[str, Any]:
    """Options of the engine: for its pool and for the driver."""
    if kind == "sqlite":
        return {
            "pool_size": connections,
            "max_overflow": connections,
            "connect_args": {"timeout": 30, "check_same_thread": False},
        }
    arguments: dict[str, Any] = {"connect_timeout": 10}
    if kind == "postgresql":  # a server that vanished is noticed in half a minute, not a quarter of an hour
        arguments |= {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30000}
    return {
        "pool_size": max(2, min(connections, _MOST_CONNECTIONS)),
        "max_overflow": 0,
        "pool_use_lifo": True,
        "pool_recycle": 3600,
        "connect_args": arguments,
    }


def _patiently(execute: Callable[[str], object], statement: str) -> None:
    """Retry while another process opens the same new file of SQLite: only one can turn it to WAL, and the others fail
    at once, whatever their busy timeout."""
    end = time.monotonic() + _OPENING_S
    while True:
        try:
            execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(random.uniform(0, 0.02))


def _roll_back(connection: Connection) -> None:
    """Roll back; a connection on which that fails is not used again."""
    try:
        if not connection.invalidated:
            connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:
        connection.invalidate()


@contextmanager
def _translated(lost: type[Unavailable]) -> Iterator[None]:
    """Raises: `lost` if the connection died; Undone for a conflict; Unavailable if the database has no room or
    connection left, has no tables yet, or held a lock too long; other errors, which are our own, unchanged."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        kind = _kind_of(error, lost)
        if kind is None:
            raise
        level = logging.INFO if kind is Undone else logging.WARNING
        log.log(level, "the store failed: %s", " ".join(str(error.__cause__ or error).split())[:500])
        raise kind("The store does not answer; try again later.") from error


def _kind_of(error: DBAPIError | PoolTimeout, lost: type[Unavailable]) -> type[Unavailable] | None:
    """The class that a driver's error is translated to; None for an error of our own."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return lost
    code = _code(error)
    if not isinstance(error, (OperationalError, InterfaceError, PoolTimeout)) and code not in _NO_TABLE:
        return None
    return Undone if code in _CONFLICTS else Unavailable


def _code(error: DBAPIError | PoolTimeout) -> object:
    """SQLSTATE (PostgreSQL) or number (MariaDB; its states are coarser)."""
    original = getattr(error, "orig", None)
    first = original.args[0] if original is not None and original.args else None
    return first if isinstance(first, int) else getattr(original, "sqlstate", None)
