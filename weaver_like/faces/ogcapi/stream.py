"""Sending files: ranges, ETag, conditions, HEAD; and bodies made of pieces."""

import re
from collections.abc import Iterable
from email.utils import formatdate, parsedate_to_datetime

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.formats import media_type_of
from weaver_like.domain.results import StoredFile
from weaver_like.faces.ogcapi.answer import body_answer
from weaver_like.faces.ogcapi.parts import Body

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")


def stream_answer(request: Request, body: Body, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A body made of pieces; small ones get a Content-Length."""
    if body.small:
        return body_answer(b"".join(body.chunks()), body.media_type, headers=headers)
    response = body_answer(b"", body.media_type, headers=headers)
    del response.content_length
    response.app_iter = iter(()) if request.method == "HEAD" else body.chunks()
    return response


def file_answer(request: Request, file: StoredFile, media_type: str | None = None) -> Response:
    """A whole file, or the part that `Range` asks for. Source: RFC 9110 sections 13 and 14."""
    size, etag, modified = file.size_bytes, file.etag, file.modified.timestamp()
    headers = [
        ("Content-Type", media_type or media_type_of(file.name)),
        ("ETag", etag),
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", formatdate(modified, usegmt=True)),
        ("X-Content-Type-Options", "nosniff"),
        # Results are foreign content below our own address: their scripts must not run with our rights.
        ("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"),
    ]
    if _unchanged(request, etag, int(modified)):
        return Response(status=304, headerlist=headers[1:])
    first, last = 0, size - 1
    wanted = _RANGE.match(request.headers.get("Range", "").strip())
    if wanted and request.headers.get("If-Range", etag) == etag and (wanted[1] or wanted[2]):
        first = int(wanted[1]) if wanted[1] else max(0, size - int(wanted[2]))
        last = min(int(wanted[2]), size - 1) if wanted[1] and wanted[2] else size - 1
        if first >= size or first > last:
            return Response(status=416, headerlist=[*headers[1:], ("Content-Range", f"bytes */{size}")])
        headers.append(("Content-Range", f"bytes {first}-{last}/{size}"))
    length = max(0, last - first + 1)
    # Given later, the body would take the Content-Length away.
    return Response(
        status=206 if any(name == "Content-Range" for name, _ in headers) else 200,
        headerlist=[*headers, ("Content-Length", str(length))],
        app_iter=iter(()) if request.method == "HEAD" else file.chunks(first, length),
    )


def _unchanged(request: Request, etag: str, modified: int) -> bool:
    if known := request.headers.get("If-None-Match"):
        return known.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in known.split(",")]
    if since := request.headers.get("If-Modified-Since"):
        try:
            return modified <= parsedate_to_datetime(since).timestamp()
        except (ValueError, TypeError, OverflowError):  # what is no date does not condition anything
            return False
    return False
