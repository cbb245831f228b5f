"""The largest statement that MariaDB accepts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from weaver_like.domain.errors import TooLarge

#: Characters that the driver writes with a backslash.
_ESCAPED = [bytes([code]) for code in b"\0\n\r\x1a'\"\\"]
#: Characters; for shorter texts an estimate is cheaper than a count.
_SMALL = 2**12


def learn_limit(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """Ask a new connection for the largest statement, and keep it as "most_bytes" among what is known of it.

    Source: MariaDB, `max_allowed_packet`: 16 MiB unless its operator sets more, 1 GiB at most.
    """
    cursor = connection.cursor()
    cursor.execute("SELECT @@max_allowed_packet")
    ((record.info["most_bytes"],),) = cursor.fetchall()
    cursor.close()


def refuse_large(text: str, parameters: Mapping[str, Any] | Sequence[Any], most_bytes: int) -> None:
    """Raises: TooLarge, for a statement that the server would answer by closing the connection."""
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    size_bytes = len(text) + _size_of(values)
    if size_bytes > most_bytes:
        raise TooLarge(
            f"The job has a part of {size_bytes} bytes; the database allows {most_bytes} (max_allowed_packet). "
            "Give large inputs and outputs by reference."
        )


def _size_of(values: Iterable[object]) -> int:
    return sum(_written(value) for value in values)


def _written(value: object) -> int:
    """Most bytes that a value takes in a statement; exact for large texts. Bytes are written as hexadecimal digits."""
    if isinstance(value, (bytes, bytearray)):
        return 2 * len(value) + 12
    if not isinstance(value, str):
        return 32
    if len(value) < _SMALL:
        return 4 * len(value) + 2
    text = value.encode()
    return len(text) + sum(text.count(code) for code in _ESCAPED)
