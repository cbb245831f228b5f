"""Column types that keep exactly what they are given, on every database."""

from collections.abc import Callable

from sqlalchemy import Dialect, LargeBinary, String
from sqlalchemy.dialects.mysql import LONGBLOB, MEDIUMTEXT
from sqlalchemy.types import TypeDecorator, TypeEngine


class _WrittenAsText(LONGBLOB):
    """UTF-8 in a LONGBLOB. The driver of MariaDB writes bytes as hexadecimal digits, twice as many; a text it writes as it is."""

    def bind_processor(self, _dialect: Dialect) -> Callable[[bytes | None], str | None]:
        return lambda value: None if value is None else value.decode()


#: JSON texts in UTF-8, which may be large: up to 1 GB.
DOCUMENT = LargeBinary().with_variant(_WrittenAsText(), "mariadb")
#: Any bytes, up to 1 GB.
BYTES = LargeBinary().with_variant(LONGBLOB(), "mariadb")
#: Of every table: any character; texts are equal if each of them is, blanks at the end too.
TABLE_OPTIONS = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_nopad_bin"}
#: PostgreSQL refuses U+0000; it is written as U+FDD0 "0", and U+FDD0, which no text should hold (a noncharacter), as U+FDD0 "1".
_ESCAPE = "\ufdd0"


class Exact(TypeDecorator):
    """Text, compared by code point. length: None for what is in no index."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(String(collation="C"))
        if dialect.name == "mariadb" and self.impl.length is None:
            return dialect.type_descriptor(MEDIUMTEXT())
        return dialect.type_descriptor(String(self.impl.length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "postgresql" or ("\0" not in value and _ESCAPE not in value):
            return value
        return value.replace(_ESCAPE, _ESCAPE + "1").replace("\0", _ESCAPE + "0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "postgresql" or _ESCAPE not in value:
            return value
        return value.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "1", _ESCAPE)
