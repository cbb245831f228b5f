"""Insert rows, or change them if they exist: each database has a syntax of its own for it."""

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, postgresql, sqlite

from weaver_like.stores.sql.statement import Statement


def upserts(table: Table, changed: tuple[str, ...]) -> dict[str, Statement]:
    """Kind of database -> insert, or set the columns `changed` of the row with the same primary key."""
    keys = [column.name for column in table.primary_key]
    of_mariadb = mysql.insert(table)
    of_sqlite, of_postgresql = sqlite.insert(table), postgresql.insert(table)
    return {
        "mariadb": Statement(of_mariadb.on_duplicate_key_update({name: of_mariadb.inserted[name] for name in changed})),
        "sqlite": Statement(
            of_sqlite.on_conflict_do_update(
                index_elements=keys, set_={name: of_sqlite.excluded[name] for name in changed}
            )
        ),
        "postgresql": Statement(
            of_postgresql.on_conflict_do_update(
                index_elements=keys, set_={name: of_postgresql.excluded[name] for name in changed}
            )
        ),
    }
