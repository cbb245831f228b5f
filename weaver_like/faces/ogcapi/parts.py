"""Bodies that hold results: the results document and multipart/related. Files are streamed, never held whole."""

import base64
import binascii
import codecs
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from weaver_like.domain.fileobjects import is_folder, is_group
from weaver_like.domain.formats import JSON, OCTETS, TEXT, essence, is_json, is_text
from weaver_like.domain.headers import disposition
from weaver_like.domain.links import Link
from weaver_like.domain.results import Result, StoredFile
from weaver_like.faces.ogcapi.documents.urls import Urls, render_link
from weaver_like.jobs.results import JobResults
from weaver_like.schemas.jsontext import JsonObject, dumps

_NUMBERED = re.compile(r"\.([0-9]+)\Z")
#: Characters that a Content-ID holds as they are, besides letters, digits and `_.-~`.
_OF_A_CONTENT_ID = "!#$&'()*+,/:;=?@[]^`{|}"


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file as a piece of a body.

    Args:
        encoding: "bytes", "base64", or "text" (escaped for the inside of a JSON string).
    """

    file: StoredFile
    encoding: str

    def chunks(self) -> Iterator[bytes]:
        if self.encoding == "base64":
            return self._as_base64()
        if self.encoding == "text":
            return self._as_text()
        return self.file.chunks()

    def _as_base64(self) -> Iterator[bytes]:
        for chunk in self.file.chunks():
            # The lengths of chunks are multiples of 3, so their base64 can be joined.
            yield binascii.b2a_base64(chunk, newline=False)

    def _as_text(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for chunk in self.file.chunks():
            yield _escaped(decoder.decode(chunk))
        yield _escaped(decoder.decode(b"", final=True))


Piece = bytes | FileBody


def _size(piece: Piece) -> int:
    return piece.file.size_bytes if isinstance(piece, FileBody) else len(piece)


@dataclass(frozen=True, slots=True)
class Body:
    """A body made of pieces, in order."""

    media_type: str
    pieces: list[Piece]

    def chunks(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, FileBody):
                yield from piece.chunks()
            else:
                yield piece

    @property
    def small(self) -> bool:
        """Whether it may be held in memory."""
        return sum(map(_size, self.pieces)) < 2**20


def is_folder_result(result: Result) -> bool:
    """Whether a result is a Directory, or a File with companions."""
    return result.path is None and (is_folder(result.value) or is_group(result.value))


def own_type(result: Result) -> str:
    """The media type of a result that stands alone, which is what links to it say."""
    media_type, value = result.format.media_type, result.value
    if result.path is not None:
        return media_type or OCTETS
    if isinstance(value, str):
        return media_type or TEXT
    if media_type and (is_folder_result(result) or is_json(media_type)):
        return media_type  # of a folder: as it is described, an archive or a listing
    if media_type and essence(media_type) == TEXT and isinstance(value, int | float):
        return media_type
    return JSON


def _type_of_value(result: Result) -> str:
    """The media type of a result inside of a body, where a folder is its listing."""
    return JSON if is_folder_result(result) else own_type(result)


def value_body(urls: Urls, result: Result, as_json: bool = False) -> tuple[bytes, str]:
    """A value that stands alone, with its media type: text as text, everything else as JSON."""
    media_type, value = _type_of_value(result), urls.value(result)
    if not isinstance(value, str) or is_json(media_type):
        return dumps(value), media_type
    if as_json:
        return dumps(value), JSON
    if not is_text(media_type) and result.format.encoding == "base64":
        return base64.b64decode(value), media_type
    return value.encode("utf-8", "replace"), media_type


@dataclass(frozen=True, slots=True)
class ResultBodies:
    """Makes bodies of results.

    Args:
        open: gives the file behind a reference.
        inline_bytes: JSON files up to this size are JSON in a document too, not text.
    """

    urls: Urls
    open: Callable[[str], StoredFile]
    inline_bytes: int

    def document(self, found: JobResults, inline: Callable[[Result], bool]) -> Body:
        """The results document: objects and files are qualified values, everything else stands alone.

        Args:
            inline: tells whether a result is given by value; otherwise it is a link.

        Source: OGC 18-062r2, results.yaml.
        """
        pieces: list[Piece] = [b"{"]
        for name in dict.fromkeys(result.output for result in found.results):
            if len(pieces) > 1:
                pieces.append(b",")
            pieces.append(dumps(name) + b":")
            pieces += self._output(found, name, inline)
        return Body(JSON, [*pieces, b"}"])

    def _output(self, found: JobResults, name: str, inline: Callable[[Result], bool]) -> list[Piece]:
        results = found.of(name)
        if len(results) == 1 and results[0].index is None:
            return self._entry(found, results[0], inline(results[0]))
        pieces: list[Piece] = [b"["]
        for result in results:
            if len(pieces) > 1:
                pieces.append(b",")
            pieces += self._entry(found, result, inline(result))
        return [*pieces, b"]"]

    def _entry(self, found: JobResults, result: Result, inline: bool) -> list[Piece]:
        if not inline:
            return [dumps(self._link(found, result))]
        if result.path is None:
            media_type = JSON if is_folder(result.value) else result.format.media_type
            return [dumps(_qualified(self.urls.value(result), media_type))]
        return self._file_entry(result, self.open(result.path))

    def _link(self, found: JobResults, result: Result) -> JsonObject:
        href = self.urls.result(found.job.id, result)
        link = render_link(Link(href, "item", own_type(result), result.output))
        if result.format.schema:
            link["schema"] = result.format.schema
        return link

    def _file_entry(self, result: Result, file: StoredFile) -> list[Piece]:
        media_type = result.format.media_type
        tail = b',"mediaType":' + dumps(media_type)
        if result.format.schema:
            tail += b',"schema":' + dumps(result.format.schema)
        tail += b"}"
        text = None
        if is_json(media_type) and file.size_bytes <= self.inline_bytes:
            text = _valid_json(file)
        if text is not None:
            return [b'{"value":' + text + tail]
        if is_text(media_type):
            return [b'{"value":"', FileBody(file, "text"), b'"' + tail]
        return [b'{"value":"', FileBody(file, "base64"), b'","encoding":"base64"' + tail]

    def multipart(self, found: JobResults, by_reference: Callable[[Result], bool]) -> Body:
        """A multipart/related body with a part for each result.

        Args:
            by_reference: tells whether a result is an empty part with Content-Location.
        Source: RFC 2387; /req/core/process-execute-sync-raw-value-multi, -raw-mixed-multi.
        """
        boundary = f"part-{secrets.token_hex(12)}"
        pieces: list[Piece] = []
        for result in found.results:
            head, body = self._part(result)
            head = [f"--{boundary}", *head, f"Content-ID: {content_id(result)}"]
            if by_reference(result):
                head.append(f"Content-Location: {self.urls.result(found.job.id, result)}")
                body = b""
            pieces += ["\r\n".join([*head, "", ""]).encode(), body, b"\r\n"]
        first = found.results[0]
        kind = _type_of_value(first).partition(";")[0]
        related = f'multipart/related; type="{kind}"; boundary="{boundary}"; start="{content_id(first)}"'
        return Body(related, [*pieces, f"--{boundary}--\r\n".encode()])

    def _part(self, result: Result) -> tuple[list[str], Piece]:
        """What the header of a part says of its content, and the content."""
        if result.path is not None:
            file = self.open(result.path)
            shown = disposition("inline", file.name)
            head = [f"Content-Type: {own_type(result)}", f"Content-Disposition: {shown}"]
            return head, FileBody(file, "bytes")
        body, media_type = value_body(self.urls, result)
        if media_type.startswith("text/") and "charset" not in media_type:
            media_type = f"{media_type}; charset=utf-8"
        return [f"Content-Type: {media_type}"], body


def _qualified(value: object, media_type: str | None) -> object:
    """Objects other than bounding boxes must be qualified: bare ones look like links or qualified values."""
    if not isinstance(value, dict) or ("bbox" in value and "type" not in value):
        return value
    if media_type:
        return {"value": value, "mediaType": media_type}
    return {"value": value}


def content_id(result: Result) -> str:
    """Content-ID of the part of a result: the id of its output, percent-encoded; of an item of an array with `.index`.

    No two results of a job have the same one: a number at the end of an id itself is kept apart by `%2E`.
    """
    text = quote(result.output, safe=_OF_A_CONTENT_ID, errors="replace")
    if result.index is not None:
        return f"{text}.{result.index}"
    return _NUMBERED.sub(r"%2E\1", text)


def _escaped(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


def _valid_json(file: StoredFile) -> bytes | None:
    text = b"".join(file.chunks())
    try:
        json.loads(text)
    except ValueError:
        return None
    return text.strip()
