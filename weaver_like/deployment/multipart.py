"""Multipart bodies that carry the files of a package.

Source: RFC 2046 section 5.1 (multipart), RFC 2387 (related, `start`), RFC 7578 (form-data), RFC 2183
(Content-Disposition).
"""

import base64
import binascii
import quopri
import re
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.formats import essence

_MOST_PARTS, _MOST_HEADER_BYTES = 200, 8000
_LONGEST_BOUNDARY, _LONGEST_NAME_BYTES = 70, 200
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_HEADER_NAME = re.compile(rb"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True)
class Part:
    """A file. name: relative, with `/`.  kind: its media type, "" if it has none.  content_id: without <>, or ""."""

    name: str
    kind: str
    content: bytes
    content_id: str = ""


def parameters_of(content_type: str) -> dict[str, str]:
    """Parameters of a media type, with lower-case names."""
    message = Message()
    message["Content-Type"] = _UNPRINTABLE.sub("?", content_type)
    parameters = message.get_params(failobj=[])[1:]
    return {name.lower(): collapse_rfc2231_value(value) for name, value in parameters}


def split_parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body, in order, with names of their own. Raises: InvalidPackage."""
    boundary = parameters_of(content_type).get("boundary", "")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise InvalidPackage(
            f"Content-Type: multipart needs a parameter `boundary` of 1 to {_LONGEST_BOUNDARY} characters."
        )
    parts = [_part(number, raw) for number, raw in enumerate(_split(body, boundary))]
    if not parts:
        raise InvalidPackage(
            "The multipart body has no parts; expected the files of a package, the document to start from first."
        )
    names = [part.name for part in parts]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidPackage(
            f"Several parts have the name '{repeated[0]}'; each needs its own (Content-Location, filename or "
            "Content-ID)."
        )
    return parts


def _split(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the lines of the boundary."""
    mark = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks = list(mark.finditer(body))
    if not marks:
        raise InvalidPackage(f"The multipart body has no line '--{boundary}'.")
    if not marks[-1].group(1):
        raise InvalidPackage(f"The multipart body ends before its last line, '--{boundary}--'.")
    if len(marks) > _MOST_PARTS + 1:
        raise InvalidPackage(f"The multipart body has {len(marks) - 1} parts; at most {_MOST_PARTS} are allowed.")
    return [_without_line_end(body[before.end() : after.start()]) for before, after in pairwise(marks)]


def _without_line_end(raw: bytes) -> bytes:
    return raw.removeprefix(b"\r").removeprefix(b"\n")


def _part(number: int, raw: bytes) -> Part:
    head, content = _cut(number, raw)
    headers = _headers(number, head)
    content_id = str(headers["Content-ID"] or "").strip().strip("<>")
    return Part(
        _name(number, headers, content_id),
        essence(str(headers["Content-Type"] or "")),
        _decoded(number, headers, content),
        content_id,
    )


def _cut(number: int, raw: bytes) -> tuple[bytes, bytes]:
    """Headers and content."""
    if re.match(rb"\r?\n", raw):  # no headers at all
        return b"", _without_line_end(raw)
    found = re.search(rb"\r?\n\r?\n", raw)
    head, content = raw, b""
    if found:
        head, content = raw[: found.start()], raw[found.end() :]
    if not (found or raw.endswith(b"\n")) or len(head) > _MOST_HEADER_BYTES:
        raise InvalidPackage(
            f"Part {number} of the multipart body has no empty line after its headers, or headers that are too long."
        )
    return head, content


def _headers(number: int, head: bytes) -> Message:
    message = Message()
    for line in re.sub(rb"\r?\n[ \t]+", b" ", head).split(b"\n"):
        name, colon, value = line.strip(b"\r").partition(b":")
        if not line.strip():
            continue
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise InvalidPackage(f"Part {number} of the multipart body has an invalid header line: {line[:60]!r}.")
        message[name.decode()] = value.decode("utf-8", "replace").strip().replace("\r", "")
    return message


def _name(number: int, headers: Message, content_id: str) -> str:
    location = str(headers["Content-Location"] or "")
    is_url = "://" in location
    if is_url:
        location = urlsplit(location).path
    candidates = (
        unquote(location),
        headers.get_filename(),
        headers.get_param("name", header="Content-Disposition"),
        content_id,
    )
    given = [str(candidate).strip() for candidate in candidates if candidate and str(candidate).strip()]
    name = (given[0] if given else f"part-{number}").removeprefix("./")
    if is_url:
        name = name.lstrip("/")
    if not _is_inside(name):
        raise InvalidPackage(
            f"Part {number} of the multipart body has the name {name[:100]!r}; expected a relative name inside the "
            "package.",
            faults=[Fault(f"/{number}", "the name of the part leads nowhere, or out of the package")],
        )
    return name


def _is_inside(name: str) -> bool:
    if _BAD_NAME.search(name) or {"", ".", ".."} & set(name.split("/")):
        return False
    return len(name.encode("utf-8", "replace")) <= _LONGEST_NAME_BYTES


def _decoded(number: int, headers: Message, content: bytes) -> bytes:
    encoding = str(headers["Content-Transfer-Encoding"] or "binary").strip().lower()
    if encoding == "base64":
        try:
            return base64.b64decode(re.sub(rb"\s", b"", content), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidPackage(
                f"Part {number} of the multipart body is not base64, as its Content-Transfer-Encoding says: {error}."
            ) from error
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    if encoding not in ("binary", "8bit", "7bit"):
        raise InvalidPackage(
            f"Part {number} of the multipart body has the Content-Transfer-Encoding '{encoding[:40]}'; "
            "expected base64, quoted-printable, binary, 8bit or 7bit."
        )
    return content
