"""Numbered migrations, applied once each, in order, each in one transaction."""
import time
from collections.abc import Callable

from sqlalchemy import Connection, func, insert, select

from weaver_like.domain.errors import SettingError
from weaver_like.stores.sql.connection import Database
from weaver_like.stores.sql.tables import metadata, schema_version


def _create_tables(connection: Connection) -> None:
    metadata.create_all(connection)


#: A migration is never changed after a release; a new one takes the next number.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: _create_tables}


def migrate(database: Database) -> list[int]:
    """Apply what is missing; the numbers applied. Raises: SettingError, if the database is of a newer release."""
    with database.writing() as connection:
        schema_version.create(connection, checkfirst=True)
        current = connection.scalar(select(func.max(schema_version.c.number))) or 0
        if current > max(MIGRATIONS):
            raise SettingError(f"The store has schema {current}; this release knows up to {max(MIGRATIONS)}. Install the newer release.")
        missing = [number for number in sorted(MIGRATIONS) if number > current]
        for number in missing:
            MIGRATIONS[number](connection)
            connection.execute(insert(schema_version).values(number=number, applied=time.time_ns() // 1000))
    return missing
