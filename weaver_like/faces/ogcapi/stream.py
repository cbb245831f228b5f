"""Sending files: ranges, ETag, conditions, HEAD; and bodies made of pieces."""

import re
from collections.abc import Iterable
from email.utils import formatdate, parsedate_to_datetime

from pyramid.response import Response

from weaver_like.domain.formats import media_type_of
from weaver_like.domain.headers import disposition
from weaver_like.domain.results import StoredFile
from weaver_like.faces.ogcapi.answer import body_answer
from weaver_like.faces.ogcapi.parts import Body
from weaver_like.faces.request import Request

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")


def stream_answer(request: Request, body: Body, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Answer with a body made of pieces; small ones get a Content-Length."""
    if body.small:
        return body_answer(b"".join(body.chunks()), body.media_type, headers=headers)
    response = body_answer(b"", body.media_type, headers=headers)
    del response.content_length
    if request.method == "HEAD":
        response.app_iter = iter(())
    else:
        response.app_iter = body.chunks()
    return response


def file_answer(request: Request, file: StoredFile, media_type: str | None = None, name: str | None = None) -> Response:
    """Answer with a whole file, or the part that `Range` asks for. name: its true one, if it is kept under another.

    Source: RFC 9110 sections 13 and 14.
    """
    modified = file.modified.timestamp()
    headers = [
        ("ETag", file.etag),
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", formatdate(modified, usegmt=True)),
        ("X-Content-Type-Options", "nosniff"),
        # Results are foreign content below our own address: their scripts must not run with our rights.
        ("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"),
    ]
    if _unchanged(request, file.etag, int(modified)):
        return Response(status=304, headerlist=headers)
    status, first, length = 200, 0, file.size_bytes
    part = _requested_part(request, file)
    if part is not None:
        if not part:
            headers.append(("Content-Range", f"bytes */{file.size_bytes}"))
            return Response(status=416, headerlist=headers)
        status, first, length = 206, part.start, len(part)
        headers.append(("Content-Range", f"bytes {part.start}-{part.stop - 1}/{file.size_bytes}"))
    chunks = iter(()) if request.method == "HEAD" else file.chunks(first, length)
    content = [
        ("Content-Type", media_type or media_type_of(file.name)),
        ("Content-Length", str(length)),
        ("Content-Disposition", disposition("inline", name or file.name)),
    ]
    # The body is given with the headers: given later, it would remove the Content-Length.
    return Response(status=status, headerlist=content + headers, app_iter=chunks)


def _requested_part(request: Request, file: StoredFile) -> range | None:
    """The bytes that are asked for; None: all of them; empty: there are no such bytes."""
    found = _RANGE.match(request.headers.get("Range", "").strip())
    if found is None or request.headers.get("If-Range", file.etag) != file.etag:
        return None
    first, last = found[1], found[2]
    size = file.size_bytes
    if first and last:
        if int(first) > int(last):
            return range(0)
        return range(int(first), min(int(last) + 1, size))
    if first:
        return range(int(first), size)
    if last:  # so many at the end
        return range(max(0, size - int(last)), size)
    return None


def _unchanged(request: Request, etag: str, modified: int) -> bool:
    """Whether the client has the file already. Source: RFC 9110 section 13.1."""
    known = request.headers.get("If-None-Match")
    if known:
        return known.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in known.split(",")]
    since = request.headers.get("If-Modified-Since")
    if since:
        try:
            return modified <= parsedate_to_datetime(since).timestamp()
        except (ValueError, TypeError, OverflowError):  # a date that cannot be read is ignored
            return False
    return False
