"""JSON text <-> Python values, losing nothing: 64-bit and larger integers, exact floats, Unicode."""

import json
import re

import orjson

#: orjson reads integers beyond 64 bits as floats; the standard library keeps them.
_LONG_INTEGER = re.compile(rb"[0-9]{19}")


#: Deeper values break one reader or the other on their way (the tightest stops at 255), so they are refused at the door.
MAX_DEPTH = 200


def check_depth(text: bytes, value: object) -> None:
    """Raises: ValueError, if arrays and objects of a value read from `text` stand more than `MAX_DEPTH` deep in each other."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            part
            for holder in level
            for part in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


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
