"""Results that are folders of files: a listing of links, one ZIP or tar, and each file at a path of its own.

The paths keep the tree of the folder, so relative links between its files stay valid, e.g. those of a STAC catalog.
"""

import tarfile
import zipfile
from collections.abc import Iterator
from typing import cast
from urllib.parse import quote, unquote

from pyramid.response import Response

from weaver_like.domain.errors import NotFound
from weaver_like.domain.fileobjects import members
from weaver_like.domain.formats import GEOJSON, JSON, media_type_of
from weaver_like.domain.headers import disposition
from weaver_like.domain.job import Job
from weaver_like.domain.results import Result, StoredFile
from weaver_like.faces.ogcapi.answer import body_answer
from weaver_like.faces.ogcapi.parts import is_folder_result
from weaver_like.faces.ogcapi.stream import file_answer
from weaver_like.faces.request import Request
from weaver_like.jobs.results import JobResults
from weaver_like.schemas.jsontext import JsonObject, dumps, loads

ZIP, TAR = "application/zip", "application/x-tar"
#: In the order of preference; the first one if nothing was asked for.
FORMS = (JSON, ZIP, TAR)
#: Names of the file that a catalog begins with. Source: STAC 1.0, catalog-spec, "Layout".
_ROOTS = ("catalog.json", "collection.json", "item.json")
_STAC_BYTES = 2**20
#: Relative paths with their files; None for a folder.
_Files = Iterator[tuple[str, StoredFile | None]]


def forms_of(result: Result) -> tuple[str, ...]:
    """The forms of a folder, that of its description first."""
    own = result.format.media_type
    return tuple(sorted(FORMS, key=lambda form: form != own))


def answer_folder(request: Request, job: Job, result: Result, kind: str) -> Response:
    """Answer with a result for which `is_folder_result` is true. kind: one of FORMS."""
    if kind == JSON:
        return body_answer(dumps(_listing(request, job, result)), JSON)
    name = str(_object_of(result).get("basename") or result.output)
    files = _files(request, result)
    if kind == ZIP:
        name, chunks = f"{name}.zip", _zipped(files)
    else:
        name, chunks = f"{name}.tar", _tarred(files)
    if request.method == "HEAD":
        chunks = iter(())
    headers = [
        ("Content-Type", kind),
        ("Content-Disposition", disposition("attachment", name)),
        ("Vary", "Accept"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(status=200, headerlist=headers, app_iter=chunks)


def answer_member(request: Request, found: JobResults, path: str) -> Response:
    """Answer with one file of a folder. path: within the folder. Raises: NotFound."""
    for result in filter(is_folder_result, found.results):
        for name, entry in members(_object_of(result)):
            if name == path:
                media_type = _stac_type(request, path, entry) or _media_type(entry, path)
                return file_answer(request, _open(request, entry), media_type, path.rpartition("/")[2])
    raise NotFound(f"Output '{found.requested[0][:100]}' has no file '{path[:200]}'.")


def _object_of(result: Result) -> JsonObject:
    """The File or Directory object of a folder, as the job gave it."""
    return cast(JsonObject, result.value)


def _open(request: Request, entry: JsonObject) -> StoredFile:
    return request.services.results.open(unquote(entry["location"]))


def _listing(request: Request, job: Job, result: Result) -> JsonObject:
    """CWL's own object with full addresses, and a link to each file; the root of a STAC catalog comes first."""
    here = request.urls.output(job.id, result.output, result.index)
    files = [(path, entry) for path, entry in members(_object_of(result)) if not path.endswith("/")]
    links = [_link(request, here, path, entry) for path, entry in files]
    links.sort(key=lambda link: bool(link["rel"] != "root"))
    self_link = {"href": f"{here}?f=json", "rel": "self", "type": JSON}
    return cast(JsonObject, request.urls.value(result)) | {"links": [self_link, *links]}


def _link(request: Request, here: str, path: str, entry: JsonObject) -> JsonObject:
    link = {
        "href": f"{here}/{quote(path)}",
        "rel": "item",
        "type": _media_type(entry, path),
        "title": path,
        "length": entry.get("size", 0),
    }
    stac = _stac_type(request, path, entry)
    if stac:
        link["type"] = stac
    if stac and path in _ROOTS:
        link["rel"] = "root"
    return link


def _media_type(entry: JsonObject, path: str) -> str:
    return entry.get("mediaType") or media_type_of(path)


def _stac_type(request: Request, path: str, entry: JsonObject) -> str | None:
    """Media type of a STAC Item, Catalog or Collection, by what it says of itself; None for other files.

    Source: STAC 1.0, best practices, "Using Relation Types", media types.
    """
    if not path.endswith((".json", ".geojson")) or entry.get("size", 0) > _STAC_BYTES:
        return None
    try:
        document = loads(b"".join(_open(request, entry).chunks()))
    except (ValueError, NotFound):
        return None
    if not isinstance(document, dict) or "stac_version" not in document:
        return None
    return GEOJSON if document.get("type") == "Feature" else JSON


def _files(request: Request, result: Result) -> _Files:
    for path, entry in members(_object_of(result)):
        file = None if path.endswith("/") else _open(request, entry)
        yield path, file


class _Sink:
    """A file for `zipfile`, which keeps what is written until it is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _zipped(files: _Files) -> Iterator[bytes]:
    """A ZIP, piece by piece; files are stored as they are: most formats are compressed already."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path, file in files:
            if file is None:
                archive.writestr(zipfile.ZipInfo(path), b"")
                continue
            entry = zipfile.ZipInfo(path, file.modified.timetuple()[:6])
            with archive.open(entry, "w", force_zip64=file.size_bytes > 2**31 - 1) as target:
                for chunk in file.chunks():
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()


def _tarred(files: _Files) -> Iterator[bytes]:
    """A tar archive (PAX), piece by piece."""
    for path, file in files:
        entry = tarfile.TarInfo(path.rstrip("/"))
        if file is None:
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            yield entry.tobuf(tarfile.PAX_FORMAT)
            continue
        entry.type, entry.mode = tarfile.REGTYPE, 0o644
        entry.size, entry.mtime = file.size_bytes, int(file.modified.timestamp())
        yield entry.tobuf(tarfile.PAX_FORMAT)
        yield from file.chunks()
        yield b"\0" * (-file.size_bytes % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)
