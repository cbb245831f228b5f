"""Parts of HTTP header fields: ASCII, and one line, whatever text they hold."""

import re
from urllib.parse import quote

_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
#: `attr-char` of RFC 8187, without letters, digits and what `quote` never changes.
_UNCHANGED = "!#$&+^`|"
_OF_A_URI = "%!#$&'()*+,/:;=?@[]"


def quoted(text: str) -> str:
    """A text of ASCII as a quoted string. Source: RFC 9110 section 5.6.4."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parameter(name: str, text: str) -> str:
    """A parameter with any text: `name="..."`, or `name*=UTF-8''...` where ASCII does not hold it. Source: RFC 8187."""
    if _PLAIN.match(text):
        return f"{name}={quoted(text)}"
    return _extended(name, text)


def uri(text: str) -> str:
    """A URI or IRI, percent-encoded where a URI may not hold it. Source: RFC 3987 section 3.1."""
    return quote(text, safe=_OF_A_URI, errors="replace")


def disposition(kind: str, file_name: str) -> str:
    """`Content-Disposition` of a file. kind: "inline" if it may be shown, or "attachment".

    Old clients read `filename` alone, and some of them decode a "%" in it. Source: RFC 6266 section 4.3, appendix D.
    """
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", file_name)
    value = f"{kind}; filename={quoted(plain)}"
    if plain == file_name:
        return value
    return f"{value}; {_extended('filename', file_name)}"


def _extended(name: str, text: str) -> str:
    return f"{name}*=UTF-8''{quote(text, safe=_UNCHANGED, errors='replace')}"
