"""What the errors of database drivers mean."""

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeout

from weaver_like.domain.errors import Unavailable

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

#: Deadlocks and conflicts: SQLSTATE of PostgreSQL, numbers of MariaDB.
_CONFLICTS = {"40001", "40P01", 1213, 1020}
#: No such table: the first server on this database is still making the tables. SQLite has no code for it.
_NO_TABLE = {"42P01", 1146}
_PAUSES_S = (0.0, 0.02, 0.1, 0.5)


class Undone(Unavailable):
    """The request had no effect or may be repeated: a deadlock, or a connection that died."""


class Duplicate(Exception):
    """There is a row with this key."""


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


def failure_of(error: Exception, dialect: Dialect, lost: type[Unavailable] | None) -> Exception:
    """What an error of a driver is to the users of the store; the same error, if it is our own.

    lost: the meaning of an error after which the connection is dead; None: it is not.

    Returns: `lost`; Undone for a conflict; Duplicate; Unavailable if the database has no room or connection left, has
        no tables yet, or held a lock too long.
    """
    if isinstance(error, dialect.loaded_dbapi.IntegrityError):
        return Duplicate(str(error))
    if _code(error) in _NO_TABLE or "no such table" in str(error):
        return Unavailable("The store has not been migrated.")
    kind = lost or _kind_of(error, dialect)
    if kind is None:
        return error
    level = logging.INFO if kind is Undone else logging.WARNING
    log.log(level, "the store failed: %s", " ".join(str(error).split())[:500])
    return kind("The store does not answer; try again later.")


def _kind_of(error: Exception, dialect: Dialect) -> type[Unavailable] | None:
    driver = dialect.loaded_dbapi
    if not isinstance(error, (driver.OperationalError, driver.InterfaceError, PoolTimeout)):
        return None
    return Undone if _code(error) in _CONFLICTS else Unavailable


def _code(error: Exception) -> object:
    """SQLSTATE (PostgreSQL) or number (MariaDB; its states are coarser)."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else getattr(error, "sqlstate", None)
