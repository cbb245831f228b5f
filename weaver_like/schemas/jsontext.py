"""JSON text <-> Python values, losing nothing: 64-bit and larger integers, exact floats, Unicode."""

import json
import re
from typing import Any

import orjson

#: A JSON object whose members depend on what it is about.
JsonObject = dict[str, Any]

#: orjson reads integers beyond 64 bits as floats; the standard library keeps them.
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
#: Deeper values would break one reader or another on their way (the tightest stops at 255), so they are refused first.
MAX_DEPTH = 200


def check_depth(text: bytes, value: object) -> None:
    """Refuse a value, read from `text`, whose arrays and objects are nested more than `MAX_DEPTH` deep.

    Raises: ValueError.
    """
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    level = _holders([value])
    for _ in range(MAX_DEPTH):
        level = [inner for holder in level for inner in _holders(holder)]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _holders(holder: dict[str, Any] | list[Any]) -> list[dict[str, Any] | list[Any]]:
    """The objects and arrays that stand directly in an object or an array."""
    parts = holder.values() if isinstance(holder, dict) else holder
    return [part for part in parts if isinstance(part, (dict, list))]


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
