"""Folders by their address: listings of web servers, prefixes of S3, folders of the operator, STAC with its assets."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from weaver_like.domain.errors import FetchFailed, FetchTooLarge
from weaver_like.domain.formats import is_folder_type
from weaver_like.domain.ids import is_file_name, staged_file_name
from weaver_like.domain.masks import shown
from weaver_like.fetchers.base import NO_HEADERS, Fetched, Fetcher, FetchLimits, FolderEntry
from weaver_like.files.addresses import name_of, origin_of
from weaver_like.files.archivekinds import begins_as_archive, is_called_archive
from weaver_like.files.indexpage import read_html, read_json
from weaver_like.files.plan import FolderPlan
from weaver_like.files.stac import copy_stac, is_stac
from weaver_like.schemas.jsontext import JsonObject, loads
from weaver_like.settings.sections import LimitsSettings

#: Most files and folders of one folder: each file is a request of its own.
_MAX_ENTRIES = 10_000
#: Largest page, listing or STAC document.
_PAGE_BYTES = 10 * 2**20
#: Ends of names that are none of the folder.
_PAGES = (".html", ".htm", ".json", ".geojson")
_INCOMING = ".incoming"
_EXPECTED = "expected a ZIP or tar archive, an index page, a JSON listing, or a STAC Item, Collection or Catalog"


@dataclass(frozen=True, slots=True)
class FetchedFolder:
    """What was behind the address of a folder. path: a folder with real files, or an archive of one."""

    path: Path
    size_bytes: int


class FolderFetcher:
    """Brings folders.

    Args:
        find: gives the fetcher of an address.
        proceed: called while something is fetched; raises to stop.
    """

    def __init__(self, find: Callable[[str], Fetcher], limits: LimitsSettings, proceed: Callable[[], None]):
        self._way = _Way(find, limits, proceed)

    def fetch(
        self, uri: str, media_type: str | None, place: Path, headers: Mapping[str, str] = NO_HEADERS
    ) -> FetchedFolder:
        """Bring what is behind an address into `place`, an empty folder, under the name that it has there.

        Args:
            media_type: as the client says, if it does.
            headers: of HTTP, for the origin of `uri` only.
        Raises: FetchFailed, which says which entry could not be had and why; then `place` is empty.
        """
        try:
            return _Folder(self._way, uri, place, headers).bring(media_type)
        except BaseException as error:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(exist_ok=True)
            if not isinstance(error, FetchFailed) or error.detail.startswith(f"'{shown(uri)}' "):
                raise
            reason = error.detail.rstrip(".")
            raise FetchFailed(f"The folder '{shown(uri)}' could not be fetched: {reason}.") from error


@dataclass(frozen=True, slots=True)
class _Way:
    """How things are fetched, and how much."""

    find: Callable[[str], Fetcher]
    limits: LimitsSettings
    proceed: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Page:
    """What was behind an address. path: where it was written.  uri: where it was at last."""

    path: Path
    uri: str
    fetched: Fetched


class _Folder:
    """One folder on its way: all that it is going to hold is found and checked first, and then fetched."""

    def __init__(self, way: _Way, uri: str, place: Path, headers: Mapping[str, str]):
        self._way = way
        self._limits = way.limits
        self._proceed = way.proceed
        self._uri = uri
        self._headers = headers
        self._place = place
        self._target = place / _folder_name(uri)
        self._plan = FolderPlan(min(_MAX_ENTRIES, way.limits.work_files or _MAX_ENTRIES))
        self._listed: set[str] = set()
        self._copied: set[str] = set()
        self._size_bytes = 0

    def bring(self, media_type: str | None) -> FetchedFolder:
        """Raises: FetchFailed."""
        uri = self._uri
        if is_folder_type(media_type) and urlsplit(uri).scheme == "s3":
            uri = uri.rstrip("/") + "/"
        entries = self._fetcher(uri).find_below(uri, self._proceed)
        if entries is not None:
            self._add(entries, "")
        else:
            page = self._read(uri, self._limits.file_bytes)
            if begins_as_archive(page.path):
                return self._archive(page)
            document = self._document(page)
            if document is None and is_called_archive(page.fetched, media_type):
                return self._archive(page)
            self._read_first(document, page)
        self._fetch_all()
        return FetchedFolder(self._target, self._size_bytes)

    def _archive(self, page: _Page) -> FetchedFolder:
        return FetchedFolder(page.path.rename(self._place / page.fetched.name), page.fetched.size_bytes)

    def _read_first(self, document: object, page: _Page) -> None:
        if is_stac(document):
            self._copy_all(document, page)
            return
        waiting = self._add(self._entries(document, page), "")
        if isinstance(document, str) and not (self._plan.files or self._plan.folders):
            raise FetchFailed(f"'{shown(page.uri)}' has no links to what lies below it; {_EXPECTED}")
        self._follow(waiting)

    def _follow(self, waiting: list[FolderEntry]) -> None:
        """List folders, and those in them."""
        while waiting:
            folder = waiting.pop()
            with _about(folder.path):
                found = self._fetcher(folder.uri).find_below(folder.uri, self._proceed)
                if found is None:
                    page = self._read(folder.uri, _PAGE_BYTES)
                    found = self._entries(self._document(page), page)
            waiting += self._add(found, folder.path)

    def _add(self, entries: Iterable[FolderEntry], above: str) -> list[FolderEntry]:
        """Plan what is in a folder; the folders that have to be listed. above: path of the folder."""
        folders = []
        for entry in entries:
            path = above + entry.path
            if not path.endswith("/"):
                self._plan.add_file(path, entry.uri)
                continue
            self._plan.add_folder(path[:-1])
            if entry.uri:
                folders.append(FolderEntry(path, entry.uri))
        return folders

    def _entries(self, document: object, page: _Page) -> Iterator[FolderEntry]:
        if page.uri in self._listed:
            raise FetchFailed(f"'{shown(page.uri)}' was listed already: its folders lead in a circle")
        self._listed.add(page.uri)
        if isinstance(document, str):
            return read_html(document, page.uri, self._proceed)
        if page.fetched.size_bytes > _PAGE_BYTES:
            text = f"'{shown(page.uri)}' has {page.fetched.size_bytes} bytes; a listing has at most {_PAGE_BYTES}"
            raise FetchFailed(f"{text}, and it is not an archive")
        entries = read_json(document, page.uri)
        if entries is None:
            raise FetchFailed(f"'{shown(page.uri)}' lists nothing; {_EXPECTED}")
        return iter(entries)

    def _copy_all(self, document: JsonObject, page: _Page) -> None:
        """Copy a STAC document, and those that are parts of it."""
        path = name_of(page.uri)
        if not is_file_name(path):
            path = page.fetched.name
        if not path.endswith((".json", ".geojson")):
            path += ".json"
        self._plan.add_file(path, page.uri)
        waiting = self._copy(document, page, path)
        while waiting:
            part = waiting.pop()
            if part.path in self._copied:
                continue
            with _about(part.path):
                page = self._read(part.uri, _PAGE_BYTES)
                found = self._document(page)
                if not is_stac(found):
                    raise FetchFailed(f"'{shown(part.uri)}' is not a STAC document")
            waiting += self._copy(found, page, part.path)

    def _copy(self, document: JsonObject, page: _Page, path: str) -> list[FolderEntry]:
        copy = copy_stac(document, page.uri, path, self._plan)
        place = self._target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if copy.content is None:
            page.path.rename(place)
        else:
            place.write_bytes(copy.content)
        self._copied.add(path)
        self._size_bytes += place.stat().st_size
        return copy.parts

    def _fetch_all(self) -> None:
        files = [(path, uri) for path, uri in self._plan.files.items() if path not in self._copied]
        for path, uri in files:
            with _about(path):
                self._fetcher(uri).check(uri)
        (self._place / _INCOMING).unlink(missing_ok=True)
        self._target.mkdir(exist_ok=True)
        for folder in self._plan.folders:
            (self._target / folder).mkdir(parents=True, exist_ok=True)
        for path, uri in files:
            with _about(path):
                self._size_bytes += self._fetch(uri, self._target / path)

    def _fetch(self, uri: str, target: Path) -> int:
        """A file of the folder; its size."""
        limits = self._limits
        left_bytes = limits.file_bytes
        if limits.work_bytes:
            left_bytes = limits.work_bytes - self._size_bytes
        most_bytes = min(limits.file_bytes, left_bytes)
        try:
            fetched = self._fetch_bytes(uri, target, most_bytes)
        except FetchTooLarge as error:
            if most_bytes == limits.file_bytes:
                raise
            text = f"with it, the folder has more than the {limits.work_bytes} bytes of limits.work_bytes"
            raise FetchFailed(text) from error
        if fetched.uri and urlsplit(fetched.uri).path.endswith("/"):
            raise FetchFailed(f"'{shown(uri)}' leads to a folder; expected a file, or a link with a slash at its end")
        return fetched.size_bytes

    def _read(self, uri: str, most_bytes: int) -> _Page:
        incoming = self._place / _INCOMING
        incoming.unlink(missing_ok=True)
        fetched = self._fetch_bytes(uri, incoming, most_bytes)
        return _Page(incoming, fetched.uri or uri, fetched)

    def _fetch_bytes(self, uri: str, target: Path, most_bytes: int) -> Fetched:
        headers = self._headers if origin_of(uri) == origin_of(self._uri) else NO_HEADERS
        return self._fetcher(uri).fetch(uri, target, FetchLimits(most_bytes, self._proceed), headers)

    def _document(self, page: _Page) -> object:
        """A page as text, or the value of one in JSON; None for anything else. Raises: FetchFailed."""
        if page.fetched.size_bytes > _PAGE_BYTES:
            return None
        content = page.path.read_bytes().removeprefix(b"\xef\xbb\xbf").lstrip()
        if content.startswith(b"<"):
            return content.decode("utf-8", "replace")
        if not content.startswith((b"{", b"[")):
            return None
        try:
            return loads(content)
        except ValueError as error:
            raise FetchFailed(f"'{shown(page.uri)}' is not JSON: {error}") from error

    def _fetcher(self, uri: str) -> Fetcher:
        """Only what lies in folders of the operator may name other files in them. Raises: FetchFailed."""
        if urlsplit(uri).scheme == "file" and urlsplit(self._uri).scheme.lower() != "file":
            raise FetchFailed(f"it names '{shown(uri)}'; documents from elsewhere may not name files of this machine")
        return self._way.find(uri)


@contextmanager
def _about(path: str) -> Iterator[None]:
    """Say which entry a failure is about."""
    try:
        yield
    except FetchFailed as error:
        raise FetchFailed(f"its entry '{shown(path)}': {error.detail}") from error


def _folder_name(uri: str) -> str:
    """The last name in an address; that of a page or document without its extension."""
    name = name_of(uri)
    if name.endswith(_PAGES):
        name = name.rpartition(".")[0]
    return staged_file_name(name).lstrip(".") if name.strip("./") else "folder"
