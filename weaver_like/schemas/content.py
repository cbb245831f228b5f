"""Files that are given by value: their content, as it stands in a request -> bytes."""

import base64
import binascii

from weaver_like.domain.formats import is_json, is_text
from weaver_like.schemas.jsontext import dumps, loads

#: Of text that stands in a request as it is.
_PLAIN = ("utf-8", "utf8")
_BASE64 = "base64"


def read_content(data: object, media_type: str, encoding: str | None) -> bytes:
    """The content of a file.

    A text is base64 if the client says so, or if its media type is a binary one and no encoding is given; otherwise it
    is the content itself. Any other value is JSON, and so is a text that is given for JSON but is none.

    Args:
        media_type: as given, else as described.
    Raises: ValueError, with what was expected.
    """
    declared = (encoding or "").lower()
    if declared not in ("", "binary", _BASE64, *_PLAIN):
        raise ValueError(f"expected encoding base64 or utf-8, got '{declared[:50]}'")
    if declared == _BASE64:
        return _declared_base64(data)
    if not isinstance(data, str):
        return dumps(data)
    if is_json(media_type) and not _is_json_text(data):
        return dumps(data)
    if declared in _PLAIN or is_text(media_type):
        return data.encode()
    try:
        return decode_base64(data)
    except ValueError:
        raise ValueError(
            f"expected base64 (RFC 4648), because {media_type} is not text; for text, give the media type text/plain "
            "or the encoding utf-8"
        ) from None


def read_literal(data: object, encoding: str | None, wants_text: bool) -> object:
    """A literal, which may be given as base64 of its text. wants_text: of its JSON otherwise. Raises: ValueError."""
    if encoding is None or encoding.lower() != _BASE64:
        return data
    text = _declared_base64(data)
    if wants_text:
        return text.decode()
    return loads(text)


def decode_base64(text: str) -> bytes:
    """RFC 4648 section 4, with line breaks as encoders write them. Raises: ValueError."""
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", "").encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("expected base64 text (RFC 4648)") from error


def _declared_base64(data: object) -> bytes:
    try:
        if isinstance(data, str):
            return decode_base64(data)
    except ValueError:
        pass
    raise ValueError("the value is declared as base64 (RFC 4648), but is not")


def _is_json_text(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True
