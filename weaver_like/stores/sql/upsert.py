"""Insert rows, or change them if they exist: each database has a syntax of its own for it."""

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite


def upserts(table: Table, changed: tuple[str, ...]) -> dict[str, Insert]:
    """Kind of database -> insert, or set the columns `changed` of the row with the same primary key."""
    keys = [column.name for column in table.primary_key]
    of_mariadb = mysql.insert(table)
    of_sqlite, of_postgresql = sqlite.insert(table), postgresql.insert(table)
    return {
        "mariadb": of_mariadb.on_duplicate_key_update({name: of_mariadb.inserted[name] for name in changed}),
        "sqlite": of_sqlite.on_conflict_do_update(
            index_elements=keys, set_={name: of_sqlite.excluded[name] for name in changed}
        ),
        "postgresql": of_postgresql.on_conflict_do_update(
            index_elements=keys, set_={name: of_postgresql.excluded[name] for name in changed}
        ),
    }
