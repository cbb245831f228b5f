"""Column types that keep exactly what they are given, on every database; and short names for types of SQLAlchemy."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, LargeBinary, Select, String
from sqlalchemy.dialects.mysql import LONGBLOB, MEDIUMTEXT
from sqlalchemy.types import TypeDecorator, TypeEngine

AnySelect = Select[*tuple[Any, ...]]


class _WrittenAsText(LONGBLOB):
    """UTF-8 in a LONGBLOB.

    The driver of MariaDB writes bytes as hexadecimal digits, which are twice as long; it writes a text as it is.
    """

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str | None]:
        return lambda value: None if value is None else value.decode()


#: JSON texts in UTF-8, up to 1 GB.
DOCUMENT = LargeBinary().with_variant(_WrittenAsText(), "mariadb")
#: Any bytes, up to 1 GB.
BYTES = LargeBinary().with_variant(LONGBLOB(), "mariadb")
#: Options of every table: any character; texts are equal if all characters are, including trailing blanks.
TABLE_OPTIONS: dict[str, Any] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
#: PostgreSQL refuses U+0000; it is written as U+FDD0 "0", and U+FDD0, a noncharacter that no text should hold, as
#: U+FDD0 "1".
_ESCAPE = "\ufdd0"


class Exact(TypeDecorator[str]):
    """Text, compared by code point.

    Args:
        length: in characters; None for what is in no index.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None):
        super().__init__(length)
        self._length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(String(collation="C"))
        if dialect.name == "mariadb" and self._length is None:
            return dialect.type_descriptor(MEDIUMTEXT())
        return dialect.type_descriptor(String(self._length))

    # Processors instead of the usual hooks, which would cost a call for each text even where nothing is escaped.
    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None] | None:
        return _escape if dialect.name == "postgresql" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], str | None] | None:
        return _unescape if dialect.name == "postgresql" else None


def _escape(value: str | None) -> str | None:
    if value is None or ("\0" not in value and _ESCAPE not in value):
        return value
    return value.replace(_ESCAPE, _ESCAPE + "1").replace("\0", _ESCAPE + "0")


def _unescape(value: str | None) -> str | None:
    if value is None or _ESCAPE not in value:
        return value
    return value.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "1", _ESCAPE)
