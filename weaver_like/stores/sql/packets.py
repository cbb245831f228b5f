"""MariaDB's largest statement."""

from sqlalchemy import Connection, Engine, event

from weaver_like.domain.errors import TooLarge

#: What the driver writes with a backslash.
_ESCAPED = [bytes([code]) for code in b"\0\n\r\x1a'\"\\"]
#: Characters; of fewer it is not worth while to count what they take.
_SMALL = 2**12


def refuse_large(engine: Engine) -> None:
    """Make an engine raise TooLarge for what the server would not take: it hangs up then, as if it had died.

    Source: MariaDB, `max_allowed_packet`: 16 MiB unless its operator sets more, 1 GiB at most.
    """

    @event.listens_for(engine, "connect")
    def learn_limit(connection: object, record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            record.info["most_bytes"] = cursor.fetchone()[0]

    @event.listens_for(engine, "before_cursor_execute")
    def check(connection: Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        for row in parameters if isinstance(parameters, list) else [parameters]:
            size_bytes = len(statement) + sum(map(_written, row.values() if isinstance(row, dict) else row))
            if size_bytes > connection.info["most_bytes"]:
                raise TooLarge(
                    f"The job has a part of {size_bytes} bytes; the database takes {connection.info['most_bytes']} (max_allowed_packet). "
                    "Give large inputs and outputs by reference."
                )


def _written(value: object) -> int:
    """Bytes of a value in a statement; at the most, where it is small. Bytes are written as hexadecimal digits."""
    if isinstance(value, (bytes, bytearray)):
        return 2 * len(value) + 12
    if not isinstance(value, str):
        return 32
    if len(value) < _SMALL:
        return 4 * len(value) + 2
    text = value.encode()
    return len(text) + sum(text.count(code) for code in _ESCAPED)
