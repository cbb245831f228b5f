"""JSON text <-> Python values, losing nothing: 64-bit and larger integers, exact floats, Unicode."""
import json
import re

import orjson

#: orjson reads integers beyond 64 bits as floats; the standard library keeps them.
_LONG_INTEGER = re.compile(rb"[0-9]{19}")


def loads(text: bytes | str) -> object:
    """Read JSON (RFC 8259: no NaN, no Infinity, UTF-8).

    Raises: ValueError, with line and column.
    """
    raw = text.encode() if isinstance(text, str) else text
    value = orjson.loads(raw)
    return json.loads(raw) if _LONG_INTEGER.search(raw) else value


def dumps(value: object) -> bytes:
    """Write compact JSON in UTF-8. Raises: ValueError, for half of a surrogate pair, which UTF-8 cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
