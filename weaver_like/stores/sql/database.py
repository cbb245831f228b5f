"""Connections of one OS process to one database."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.failures import Undone, failure_of
from weaver_like.stores.sql.packets import learn_limit

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
#: How long to wait for other processes that open the same new file.
_OPENING_S = 30.0


class SqlDatabase:
    """One engine of SQLAlchemy; `single` gives a connection for statements that stand alone, `writing` one for a
    transaction.

    Connections commit each statement automatically, so that a read costs one round trip; a transaction begins and
    ends with statements of its own. No connection is tested before its use, which would cost a round trip: a dead one
    fails the statement, all idle ones are given up with it, and `repeated` tries again.

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
            event.listen(self.engine, "connect", learn_limit)
        greeting = list(_GREETINGS[self.kind])
        if self.kind == "sqlite":
            greeting.append(f"PRAGMA synchronous={synchronous}")

        @event.listens_for(self.engine, "connect")
        def greet(connection: DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            for statement in greeting:
                _patiently(cursor.execute, statement)
            cursor.close()

        self._driver = self.engine.dialect.loaded_dbapi

    @contextmanager
    def single(self) -> Iterator[SqlConnection]:
        """For reads, and for a change by one statement that may be repeated. Raises: Undone, Unavailable, Duplicate."""
        lent = self._lend()
        try:
            yield SqlConnection(lent.cursor(), self.engine.dialect, lent.info.get("most_bytes", 0))
        except self._driver.Error as error:
            self._fail(error, Undone, lent)
        finally:
            lent.close()

    @contextmanager
    def writing(self) -> Iterator[SqlConnection]:
        """A transaction.

        Raises: Undone; Unavailable, also if it is not known whether the commit succeeded; Duplicate.
        """
        lent = self._lend()
        try:
            connection = SqlConnection(lent.cursor(), self.engine.dialect, lent.info.get("most_bytes", 0))
            connection.execute(_BEGIN[self.kind])
            try:
                yield connection
            except BaseException:
                self._roll_back(connection, lent)
                raise
            self._commit(connection, lent)
        except self._driver.Error as error:
            self._fail(error, Undone, lent)
        finally:
            lent.close()

    def _lend(self) -> PoolProxiedConnection:
        """A connection, to be closed by the caller. Raises: Unavailable."""
        try:
            return self.engine.raw_connection()
        except (self._driver.Error, PoolTimeout) as error:
            self._fail(error, Unavailable)

    def _fail(self, error: Exception, lost: type[Unavailable], lent: PoolProxiedConnection | None = None) -> NoReturn:
        """Raise what an error of the driver means. lost: for a connection that died."""
        dead = lent is not None and self._is_dead(error, lent)
        if lent is not None and dead:
            if lent.is_valid:
                lent.invalidate(error)
            self.engine.dispose()  # the idle ones were opened earlier, and are likely to be dead too
        failure = failure_of(error, self.engine.dialect, lost if dead else None)
        if failure is error:
            raise error
        raise failure from error

    def _is_dead(self, error: Any, lent: PoolProxiedConnection) -> bool:
        return not lent.is_valid or self.engine.dialect.is_disconnect(error, lent.driver_connection, None)

    def _roll_back(self, connection: SqlConnection, lent: PoolProxiedConnection) -> None:
        """Roll back; a connection on which that fails is not used again."""
        try:
            connection.execute("ROLLBACK")
        except self._driver.Error as error:
            lent.invalidate(error)

    def _commit(self, connection: SqlConnection, lent: PoolProxiedConnection) -> None:
        try:
            connection.execute("COMMIT")
        except self._driver.Error as error:
            self._fail(error, Unavailable, lent)

    @contextmanager
    def altering(self) -> Iterator[Connection]:
        """A transaction of SQLAlchemy, for changes of tables. Raises: Unavailable."""
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql(_BEGIN[self.kind])
                try:
                    yield connection
                except BaseException:
                    connection.invalidate()  # ends the transaction, as does a death of this process
                    raise
                connection.exec_driver_sql("COMMIT")
        except DBAPIError as error:
            driver_error = error.orig
            assert isinstance(driver_error, Exception)
            raise failure_of(driver_error, self.engine.dialect, None) from error

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
