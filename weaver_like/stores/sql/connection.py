"""`SqlConnection`: what the rooms of the SQL stores run their statements on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from weaver_like.stores.sql.packets import refuse_large
from weaver_like.stores.sql.statement import Parameters, Row, Statement, Values

_NONE: Values = {}


class SqlConnection:
    """A connection in use. Each method runs one statement on the driver's cursor, and reads all of its rows.

    Args:
        most_bytes: of a statement; 0: no limit.
    """

    def __init__(self, cursor: DBAPICursor, dialect: Dialect, most_bytes: int):
        self._cursor = cursor
        self._dialect = dialect
        self._most_bytes = most_bytes

    @property
    def returns_changes(self) -> bool:
        """Whether an update may return rows."""
        return self._dialect.update_returning

    def all(self, statement: Statement, values: Values = _NONE) -> list[Row]:
        """The rows of a statement."""
        form = statement.form(self._dialect, values)
        self.execute(*form.sent(values))
        return form.rows(list(self._cursor.fetchall()))

    def first(self, statement: Statement, values: Values = _NONE) -> Row | None:
        """The row of a statement that has at most one."""
        rows = self.all(statement, values)
        return rows[0] if rows else None

    def scalar(self, statement: Statement, values: Values = _NONE) -> Any:
        """The first value of the row of such a statement; None if there is none."""
        rows = self.all(statement, values)
        return rows[0][0] if rows else None

    def change(self, statement: Statement, values: Values) -> int:
        """How many rows a statement changed that returns none."""
        self.execute(*statement.form(self._dialect, values).sent(values))
        return self._cursor.rowcount

    def change_all(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Run a statement with each of some values, which all have the same names."""
        form = statement.form(self._dialect, rows[0])
        parameters: list[Any] = [form.parameters(values) for values in rows]
        for one in parameters:
            self._check(form.text, one)
        self._cursor.executemany(form.text, parameters)

    def execute(self, text: str, parameters: Parameters = ()) -> None:
        """Run a text of SQL."""
        self._check(text, parameters)
        self._cursor.execute(text, parameters)

    def _check(self, text: str, parameters: Parameters) -> None:
        if self._most_bytes:
            refuse_large(text, parameters, self._most_bytes)
