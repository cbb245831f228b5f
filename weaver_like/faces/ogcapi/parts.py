"""Bodies that hold results: the results document and multipart/related. Files are streamed, never held whole."""

import base64
import binascii
import codecs
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weaver_like.domain.formats import is_json, is_text
from weaver_like.domain.links import Link
from weaver_like.domain.results import Result
from weaver_like.files.area import StoredFile
from weaver_like.jobs.results import JobResults
from weaver_like.runtime import Runtime
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.urls import Urls, render_link


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file as a piece of a body. how: "bytes", "base64", or "text" (escaped for the inside of a JSON string)."""

    file: StoredFile
    how: str

    def chunks(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for chunk in self.file.chunks():
            if self.how == "base64":
                yield binascii.b2a_base64(
                    chunk, newline=False
                )  # chunks are multiples of 3 bytes, so their base64 can be joined
            elif self.how == "text":
                yield _escaped(decoder.decode(chunk))
            else:
                yield chunk
        if self.how == "text":
            yield _escaped(decoder.decode(b"", final=True))


@dataclass(frozen=True, slots=True)
class Body:
    """A body made of pieces, in order."""

    media_type: str
    pieces: list[bytes | FileBody]

    def chunks(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, FileBody):
                yield from piece.chunks()
            else:
                yield piece

    @property
    def small(self) -> bool:
        """True if it may be held in memory."""
        return (
            sum(piece.file.size_bytes if isinstance(piece, FileBody) else len(piece) for piece in self.pieces) < 2**20
        )


def value_body(urls: Urls, result: Result, as_json: bool = False) -> tuple[bytes, str]:
    """A value that is no file, as it stands alone: text as text, everything else as JSON."""
    media_type, value = result.format.media_type, urls.value(result)
    if isinstance(value, str) and not as_json and not is_json(media_type):
        if media_type and not is_text(media_type) and result.format.encoding == "base64":
            return base64.b64decode(value), media_type
        return value.encode("utf-8", "replace"), media_type or "text/plain"
    return dumps(value), media_type if is_json(media_type) else "application/json"


def results_entries(rt: Runtime, urls: Urls, found: JobResults, inline: Callable[[Result], bool]) -> Body:
    """The results document. Source: OGC 18-062r2, results.yaml: objects and files are qualified values, all else stands alone."""
    pieces: list[bytes | FileBody] = [b"{"]
    for number, name in enumerate(dict.fromkeys(result.output for result in found.results)):
        results = found.of(name)
        several = len(results) > 1 or results[0].index is not None
        pieces.append((b"," if number else b"") + dumps(name) + b":" + (b"[" if several else b""))
        for position, result in enumerate(results):
            pieces += [b","] if position else []
            pieces += _entry(rt, urls, found, result, inline(result))
        pieces += [b"]"] if several else []
    return Body("application/json", [*pieces, b"}"])


def _entry(rt: Runtime, urls: Urls, found: JobResults, result: Result, inline: bool) -> list[bytes | FileBody]:
    media_type = result.format.media_type
    if not inline:
        link = render_link(
            Link(urls.result(found.job.id, result), "item", media_type or "application/json", result.output)
        )
        return [dumps(link | ({"schema": result.format.schema} if result.format.schema else {}))]
    if result.path is None:
        return [dumps(_qualified(urls.value(result), media_type))]
    schema = b',"schema":' + dumps(result.format.schema) if result.format.schema else b""
    kind = b',"mediaType":' + dumps(media_type) + schema + b"}"
    file = rt.area.get(result.path)
    if is_json(media_type) and file.size_bytes <= rt.settings.limits.inline_bytes and (text := _valid_json(file)):
        return [b'{"value":' + text + kind]
    if is_text(media_type):
        return [b'{"value":"', FileBody(file, "text"), b'"' + kind]
    return [b'{"value":"', FileBody(file, "base64"), b'","encoding":"base64"' + kind]


def _qualified(value: object, media_type: str | None) -> object:
    """Objects other than bounding boxes must be qualified: bare, they cannot be told from links and qualified values."""
    if (isinstance(value, dict) and "bbox" not in value) or (isinstance(value, dict) and "type" in value):
        return {"value": value} | ({"mediaType": media_type} if media_type else {})
    return value


def multipart_body(rt: Runtime, urls: Urls, found: JobResults, by_reference: Callable[[Result], bool]) -> Body:
    """multipart/related, one part for each result; by reference: an empty part with Content-Location.

    Source: RFC 2387; /req/core/process-execute-sync-raw-value-multi, -raw-mixed-multi.
    """
    boundary = f"part-{secrets.token_hex(12)}"
    pieces: list[bytes | FileBody] = []
    start, kind = None, "application/json"
    for result in found.results:
        content_id = result.output if result.index is None else f"{result.output}.{result.index}"
        body, media_type = _part(rt, urls, result)
        head = f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-ID: {_header_text(content_id)}\r\n"
        if by_reference(result):
            head, body = f"{head}Content-Location: {urls.result(found.job.id, result)}\r\n", b""
        if start is None:
            start, kind = content_id, media_type
        pieces += [head.encode() + b"\r\n", body, b"\r\n"]
    related = f'multipart/related; type="{kind.partition(";")[0]}"; boundary="{boundary}"' + (
        f'; start="{_header_text(start)}"' if start else ""
    )
    return Body(related, [*pieces, f"--{boundary}--\r\n".encode()])


def _part(rt: Runtime, urls: Urls, result: Result) -> tuple[bytes | FileBody, str]:
    if result.path is not None:
        return FileBody(rt.area.get(result.path), "bytes"), result.format.media_type or "application/octet-stream"
    body, media_type = value_body(urls, result)
    return body, f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _header_text(text: str) -> str:
    return "".join(char for char in text if char.isprintable() and char not in '"\\' and char.isascii()) or "output"


def _escaped(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


def _valid_json(file: StoredFile) -> bytes | None:
    text = b"".join(file.chunks())
    try:
        json.loads(text)
    except ValueError:
        return None
    return text.strip()
