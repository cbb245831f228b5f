"""Inputs from folders that the operator has opened."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from weaver_like.domain.errors import FetchFailed, FetchTooLarge
from weaver_like.domain.formats import media_type_of
from weaver_like.domain.ids import staged_file_name
from weaver_like.domain.masks import shown
from weaver_like.fetchers.base import NO_HEADERS, Fetched, Fetcher, FetchLimits, FolderEntry


class LocalFetcher(Fetcher):
    """file:// below the roots; links are followed first, then the place is checked."""

    def __init__(self, roots: Sequence[Path]):
        self._roots = [root.resolve() for root in roots]

    def check(self, uri: str) -> None:
        self._resolve(uri)

    def fetch(self, uri: str, target: Path, limits: FetchLimits, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        limits.proceed()
        source = self._resolve(uri)
        try:
            if not source.is_file():
                raise FetchFailed(f"'{shown(uri)}' is not a file.")
            size = source.stat().st_size
            if size > limits.max_bytes:
                raise FetchTooLarge(f"'{shown(uri)}' has {size} bytes; at most {limits.max_bytes} are allowed.")
            shutil.copyfile(source, target)
        except OSError as error:
            raise _unreadable(uri, error) from error
        return Fetched(media_type_of(source.name), staged_file_name(source.name), size)

    def find_below(self, uri: str, proceed: Callable[[], None]) -> Iterator[FolderEntry] | None:
        folder = self._resolve(uri)
        return self._walk(folder, "", proceed) if os.path.isdir(folder) else None

    def _walk(self, folder: Path, path: str, proceed: Callable[[], None]) -> Iterator[FolderEntry]:
        """In the order of the names. Links are followed; one that leads in a circle makes paths without end."""
        proceed()
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise _unreadable(folder.as_uri(), error) from error
        for name in names:
            found = self._resolve((folder / name).as_uri())
            if os.path.isdir(found):
                yield FolderEntry(f"{path}{name}/", "")
                yield from self._walk(found, f"{path}{name}/", proceed)
            else:
                yield FolderEntry(path + name, found.as_uri())

    def _resolve(self, uri: str) -> Path:
        parts = urlsplit(uri)
        path = unquote(parts.path)
        if parts.netloc not in ("", "localhost") or "\0" in path:
            raise FetchFailed(f"'{shown(uri)}' is not a local file.")
        resolved = Path(os.path.realpath(path))
        if not any(resolved.is_relative_to(root) for root in self._roots):
            raise FetchFailed(f"'{shown(uri)}' is outside the folders that this server may read (security.file_roots).")
        try:
            resolved.stat()
        except OSError as error:
            if (
                error.errno == errno.ELOOP
            ):  # links that lead in a circle; other errors are reported when the file is read
                raise FetchFailed(f"'{shown(uri)}' leads nowhere.") from error
        return resolved


def _unreadable(uri: str, error: OSError) -> FetchFailed:
    return FetchFailed(f"'{shown(uri)}' could not be read: {os.strerror(error.errno or 0)}.")
