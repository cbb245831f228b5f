"""Multipart bodies that carry the files of a package.

Source: RFC 2046 section 5.1 (multipart), RFC 2387 (related, `start`), RFC 7578 (form-data), RFC 2183 (Content-Disposition).
"""

import base64
import binascii
import quopri
import re
from dataclasses import dataclass
from email.message import Message
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.formats import essence

_MOST_PARTS, _MOST_HEADER_BYTES = 200, 8000
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Part:
    """A file. name: relative, with `/`.  kind: its media type, "" if nobody told.  content_id: without <>, or ""."""

    name: str
    kind: str
    content: bytes
    content_id: str = ""


def parameters_of(content_type: str) -> dict[str, str]:
    """Parameters of a media type, with lower-case names."""
    message = Message()
    message["Content-Type"] = "".join(char if char.isprintable() and char.isascii() else "?" for char in content_type)
    return {name.lower(): value for name, value in message.get_params(failobj=[])[1:]}


def split_parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body, in order, with names of their own. Raises: InvalidPackage."""
    boundary = parameters_of(content_type).get("boundary", "")
    if not 0 < len(boundary) <= 70:
        raise InvalidPackage("Content-Type: a parameter `boundary` of 1 to 70 characters is wanted with multipart.")
    mark = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks = list(mark.finditer(body))
    if not marks:
        raise InvalidPackage(f"The multipart body has no line '--{boundary}'.")
    if not marks[-1].group(1):
        raise InvalidPackage(f"The multipart body ends before its last line, '--{boundary}--'.")
    if len(marks) > _MOST_PARTS + 1:
        raise InvalidPackage(f"The multipart body has {len(marks) - 1} parts; at most {_MOST_PARTS} are taken.")
    parts = []
    for number, (before, after) in enumerate(pairwise(marks)):
        parts.append(_part(number, body[before.end() : after.start()].removeprefix(b"\r").removeprefix(b"\n")))
    names = [part.name for part in parts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidPackage(
            f"Several parts have the name '{twice[0]}'; each needs a name of its own (Content-Location, filename or Content-ID)."
        )
    if not parts:
        raise InvalidPackage(
            "The multipart body has no parts; files of a package are wanted, the document to start from first."
        )
    return parts


def _part(number: int, raw: bytes) -> Part:
    if re.match(rb"\r?\n", raw):  # no headers at all
        head, content = b"", raw.removeprefix(b"\r").removeprefix(b"\n")
    else:
        head, found, content = _cut(raw)
        if not found or len(head) > _MOST_HEADER_BYTES:
            raise InvalidPackage(
                f"Part {number} of the multipart body has no empty line after its headers, or headers that are too long."
            )
    headers = _headers(number, head)
    content_id = str(headers["Content-ID"] or "").strip().strip("<>")
    return Part(
        _name(number, headers, content_id),
        essence(str(headers["Content-Type"] or "")),
        _decoded(number, headers, content),
        content_id,
    )


def _cut(raw: bytes) -> tuple[bytes, bool, bytes]:
    found = re.search(rb"\r?\n\r?\n", raw)
    if not found:
        return raw, raw.endswith(b"\n"), b""
    return raw[: found.start()], True, raw[found.end() :]


def _headers(number: int, head: bytes) -> Message:
    message = Message()
    for line in re.sub(rb"\r?\n[ \t]+", b" ", head).split(b"\n"):
        name, colon, value = line.strip(b"\r").partition(b":")
        if not line.strip():
            continue
        if not colon or not re.fullmatch(rb"[A-Za-z0-9-]{1,60}", name):
            raise InvalidPackage(
                f"Part {number} of the multipart body has a line among its headers that is none: {line[:60]!r}."
            )
        message[name.decode()] = value.decode("utf-8", "replace").strip().replace("\r", "")
    return message


def _name(number: int, headers: Message, content_id: str) -> str:
    location = str(headers["Content-Location"] or "")
    given = (
        unquote(urlsplit(location).path if "://" in location else location),
        headers.get_filename(),
        headers.get_param("name", header="Content-Disposition"),
        content_id,
    )
    name = next((str(one).strip() for one in given if one and str(one).strip()), f"part-{number}")
    name = name.removeprefix("./").lstrip("/") if "://" in location else name.removeprefix("./")
    if _BAD_NAME.search(name) or {"", ".", ".."} & set(name.split("/")) or len(name.encode("utf-8", "replace")) > 200:
        raise InvalidPackage(
            f"Part {number} of the multipart body has the name {name[:100]!r}; the relative name of a file inside the package is wanted.",
            faults=[Fault(f"/{number}", "the name of a part leads nowhere, or out of the package")],
        )
    return name


def _decoded(number: int, headers: Message, content: bytes) -> bytes:
    encoding = str(headers["Content-Transfer-Encoding"] or "binary").strip().lower()
    try:
        if encoding == "base64":
            return base64.b64decode(re.sub(rb"\s", b"", content), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidPackage(
            f"Part {number} of the multipart body is not base64, as its Content-Transfer-Encoding says: {error}."
        ) from error
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    if encoding not in ("binary", "8bit", "7bit"):
        raise InvalidPackage(
            f"Part {number} of the multipart body has the Content-Transfer-Encoding '{encoding[:40]}'; base64, quoted-printable, "
            "binary, 8bit or 7bit is wanted."
        )
    return content
