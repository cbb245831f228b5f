"""Results that are folders of files: a listing of links, one ZIP or tar, and each file below a path of its own.

The paths keep the tree of the folder, so that relative links between its files stay valid, e.g. those of a STAC catalog.
"""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from urllib.parse import quote, unquote

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import NotFound
from weaver_like.domain.fileobjects import is_folder, is_group, members
from weaver_like.domain.formats import JSON, media_type_of
from weaver_like.domain.job import Job
from weaver_like.domain.results import Result, StoredFile
from weaver_like.faces.ogcapi.answer import body_answer
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.stream import file_answer
from weaver_like.schemas.jsontext import dumps, loads

ZIP, TAR = "application/zip", "application/x-tar"
#: In the order of preference; the first one if nothing was asked for.
FORMS = (JSON, ZIP, TAR)
#: Files by whose name a catalog is known, the first that is there. Source: STAC 1.0, catalog-spec, "Layout".
_ROOTS = ("catalog.json", "collection.json", "item.json")
_STAC_BYTES = 2**20


def is_folder_result(result: Result) -> bool:
    """True for a Directory, and for a File with companions."""
    return result.path is None and (is_folder(result.value) or is_group(result.value))


def answer_folder(request: Request, job: Job, result: Result, kind: str) -> Response:
    """kind: one of FORMS."""
    name = str(result.value.get("basename") or result.output)
    if kind == JSON:
        return body_answer(dumps(_listing(request, job, result)), JSON)
    extension, pieces = (".zip", _zipped) if kind == ZIP else (".tar", _tarred)
    response = Response(
        status=200, headerlist=[("Content-Type", kind), ("Vary", "Accept"), ("X-Content-Type-Options", "nosniff")]
    )
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name + extension, safe='')}"
    response.app_iter = iter(()) if request.method == "HEAD" else pieces(_files(request, result))
    return response


def get_member(request: Request, query: Query) -> Response:
    """`/jobs/{id}/results/{output}/{path}`: one file of a folder."""
    job = request.services.jobs.get(request.matchdict["job"])
    path = "/".join(request.matchdict["path"])
    for result in request.services.results.get_output(job, request.matchdict["output"]).results:
        if is_folder_result(result):
            found = next((entry for name, entry in members(result.value) if name == path), None)
            if found is not None:
                file = request.services.results.open(unquote(found["location"]))
                return file_answer(request, file, _stac_type(request, path, found) or _media_type(found, path))
    raise NotFound(f"Output '{request.matchdict['output'][:100]}' has no file '{path[:200]}'.")


def _listing(request: Request, job: Job, result: Result) -> dict:
    """CWL's own object with full addresses, and a link for each file; of a STAC catalog the first one says so."""
    here = request.urls.output(job.id, result.output)
    links = [{"href": f"{here}?f=json", "rel": "self", "type": JSON}]
    for path, entry in members(result.value):
        if path.endswith("/"):
            continue
        link = {
            "href": f"{here}/{quote(path)}",
            "rel": "item",
            "type": _media_type(entry, path),
            "title": path,
            "length": entry.get("size", 0),
        }
        stac = _stac_type(request, path, entry)
        if stac:
            link |= {"type": stac, "rel": "root" if path in _ROOTS else "item"}
        links.insert(1, link) if link["rel"] == "root" else links.append(link)
    return request.urls.value(result) | {"links": links}


def _media_type(entry: dict, path: str) -> str:
    return entry.get("mediaType") or media_type_of(path)


def _stac_type(request: Request, path: str, entry: dict) -> str | None:
    """Media type of a STAC Item, Catalog or Collection, by what it says of itself; None for other files.

    Source: STAC 1.0, best practices, "Using Relation Types", media types.
    """
    if not path.endswith((".json", ".geojson")) or entry.get("size", 0) > _STAC_BYTES:
        return None
    try:
        document = loads(b"".join(request.services.results.open(unquote(entry["location"])).chunks()))
    except (ValueError, NotFound):
        return None
    if not isinstance(document, dict) or "stac_version" not in document:
        return None
    return "application/geo+json" if document.get("type") == "Feature" else JSON


def _files(request: Request, result: Result) -> Iterator[tuple[str, StoredFile | None]]:
    """Paths with their files; None for a folder."""
    for path, entry in members(result.value):
        yield path, None if path.endswith("/") else request.services.results.open(unquote(entry["location"]))


class _Sink(io.RawIOBase):
    """What an archive writes, until it is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _zipped(files: Iterator[tuple[str, StoredFile | None]]) -> Iterator[bytes]:
    """A ZIP, piece by piece; files stand in it as they are: most formats are compressed already."""
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


def _tarred(files: Iterator[tuple[str, StoredFile | None]]) -> Iterator[bytes]:
    """A tar archive (PAX), piece by piece."""
    for path, file in files:
        entry = tarfile.TarInfo(path.rstrip("/"))
        entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if file is None else (tarfile.REGTYPE, 0o644)
        if file is not None:
            entry.size, entry.mtime = file.size_bytes, int(file.modified.timestamp())
        yield entry.tobuf(tarfile.PAX_FORMAT)
        if file is not None:
            yield from file.chunks()
            yield b"\0" * (-file.size_bytes % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)
