"""Where a run may look for files: all that it reads lies below folders of its own, wherever a name or a link leads."""

import glob
import os
import threading
from collections.abc import Callable, Mapping, MutableSequence
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

from cwl_utils.types import CWLDirectoryType, CWLFileType
from cwltool.errors import WorkflowException
from cwltool.pathmapper import MapperEnt, PathMapper
from cwltool.stdfsaccess import StdFsAccess, abspath
from schema_salad.ref_resolver import file_uri

from weaver_like.domain.fileobjects import FileObject
from weaver_like.domain.ids import is_file_name


class Roots:
    """The folders of this OS process's one run. work: the first of them, with a slash at its end: the job's own."""

    def __init__(self, folders: tuple[Path, ...]):
        self.work = str(folders[0]) + os.sep
        self._folders = tuple(os.path.realpath(folder) for folder in folders)

    def check(self, path: str) -> str:
        """The path, if what it leads to lies inside. Raises: WorkflowException."""
        real = os.path.realpath(path)
        if not any(real == folder or real.startswith(folder + os.sep) for folder in self._folders):
            raise WorkflowException(f"'{os.path.basename(path)}' leads out of the work folder of the job.")
        return path


class RemoteFiles:
    """Files that a package names by an address, fetched when they are looked at for the first time.

    fetch: asks the worker for one; its path.
    """

    def __init__(self, fetch: Callable[[str], str]):
        self._fetch = fetch
        self._known: dict[str, str] = {}
        self._turn = threading.Lock()

    def __contains__(self, url: str) -> bool:
        return url in self._known

    def path_of(self, url: str) -> str:
        """Raises: WorkflowException, if it is not to be had."""
        with self._turn:
            if url not in self._known:
                self._known[url] = self._fetch(url)
            return self._known[url]

    def uri_of(self, url: str) -> str:
        """Where it is here. Raises: as `path_of`."""
        return Path(self.path_of(url)).as_uri()


class ConfinedFsAccess(StdFsAccess):
    """The files that outputs, expressions and checksums are read from.

    inputs: folder below which files may be brought.
    remote: files that the package names by an address.
    """

    roots: Roots
    inputs = "/nowhere/"
    bring: Callable[[str], bool] = staticmethod(lambda _path: False)
    remote: "RemoteFiles"

    def _abs(self, p: str) -> str:
        if _is_remote(p):
            p = self.remote.path_of(p)
        return self.roots.check(abspath(p, self.basedir))

    def glob(self, pattern: str) -> list[str]:
        """Matches in the order of the names. Raises: WorkflowException, for what leads outside."""
        base = os.path.realpath(self.basedir)
        found = []
        for match in glob.glob(abspath(pattern, self.basedir)):
            self.roots.check(match)
            path = os.path.normpath(match)
            if not (path + os.sep).startswith(base + os.sep):
                raise WorkflowException(
                    f"The pattern '{os.path.relpath(pattern, base)}' leads out of the output folder."
                )
            found.append(file_uri(path))
        return found

    def open(self, fn: str, mode: str) -> IO[Any]:
        return open(self._abs(fn), mode)

    def exists(self, fn: str) -> bool:
        """True also for what lies beside an input at the place that it came from: it is brought then."""
        path = self._abs(fn)
        return os.path.exists(path) or (path.startswith(self.inputs) and self.bring(path))

    def size(self, fn: str) -> int:
        return os.stat(self._abs(fn)).st_size

    def isfile(self, fn: str) -> bool:
        return os.path.isfile(self._abs(fn))

    def isdir(self, fn: str) -> bool:
        return os.path.isdir(self._abs(fn))

    def realpath(self, path: str) -> str:
        return os.path.realpath(self.roots.check(path))


class ConfinedPathMapper(PathMapper):
    """The files that a step gets, below the folder that is theirs.

    Their names come from whoever executes, and are written outside of any sandbox.
    """

    roots: Roots

    def visit(
        self, obj: CWLFileType | CWLDirectoryType, stagedir: str, basedir: str, copy: bool = False, staged: bool = False
    ) -> None:
        given = cast(FileObject, obj)  # an object of cwltool may have members that its types do not know
        check_name(given)
        if "dirname" in given and not _is_below(str(given["dirname"]), self.stagedir):
            del given["dirname"]  # it says where the file lies, and cwltool would put it there
        location = str(given.get("location", ""))
        if _is_remote(location):
            location = given["location"] = ConfinedFsAccess.remote.uri_of(location)
        if not location.startswith("_:"):
            self.roots.check(abspath(location, basedir))
        super().visit(obj, stagedir, basedir, copy, staged)

    def mapper(self, src: str) -> MapperEnt:
        """cwltool asks with copies of objects too, which still have the address."""
        return super().mapper(ConfinedFsAccess.remote.uri_of(src) if _is_remote(src) else src)

    def visitlisting(
        self,
        listing: MutableSequence[CWLFileType | CWLDirectoryType],
        stagedir: str,
        basedir: str,
        copy: bool = False,
        staged: bool = False,
    ) -> None:
        for entry in listing:
            self.visit(entry, stagedir, basedir, copy=bool(entry.get("writable", copy)), staged=staged)


def _is_remote(location: str) -> bool:
    return urlsplit(location).scheme in ("http", "https")


def check_name(entry: Mapping[str, Any]) -> None:
    """Raises: WorkflowException, if a file or folder has a name that leads elsewhere."""
    name = entry.get("basename")
    if not isinstance(name, str) or not is_file_name(name):
        raise WorkflowException(
            f"basename is '{str(name)[:200]}'; expected the name of a file or folder, without a path."
        )


def _is_below(path: str, folder: str) -> bool:
    return (os.path.normpath(path) + os.sep).startswith(os.path.normpath(folder) + os.sep)


def check_objects(found: object, roots: Roots) -> None:
    """Raises: WorkflowException, if an output object has a file that is not the run's own: expressions may name any."""
    if isinstance(found, list):
        for item in found:
            check_objects(item, roots)
    elif isinstance(found, dict):
        if found.get("class") in ("File", "Directory"):
            _check_object(found, roots)
        for item in found.values():
            check_objects(item, roots)


def _check_object(found: FileObject, roots: Roots) -> None:
    if "basename" in found:
        check_name(found)
    location = str(found.get("location") or found.get("path") or "_:")
    if location in ConfinedFsAccess.remote:
        location = found["location"] = ConfinedFsAccess.remote.uri_of(location)
    parts = urlsplit(location)
    if parts.scheme not in ("", "file", "_"):
        raise WorkflowException(f"'{location[:200]}' is not a file of the run; outputs must be its own files.")
    if not location.startswith("_:"):
        roots.check(os.path.abspath(unquote(parts.path)))


def refuse_remote(url: str) -> str:
    """Where nobody is there to fetch it. Raises: WorkflowException."""
    raise WorkflowException(f"'{url}' cannot be fetched here.")


def confine(
    folders: tuple[Path, ...],
    bring: Callable[[str], bool] | None = None,
    remote: Callable[[str], str] = refuse_remote,
) -> None:
    """From now on no run of this OS process reads anything outside of these folders.

    Args:
        bring: asks the worker for a file that lies beside an input where that came from; False if there is none.
        remote: asks the worker for a file that the package names by an address; its path.
    """
    ConfinedFsAccess.remote = RemoteFiles(remote)
    if bring is not None:
        ConfinedFsAccess.inputs = str(folders[0] / "inputs") + os.sep
        ConfinedFsAccess.bring = staticmethod(bring)
    roots = Roots(folders)
    ConfinedFsAccess.roots = roots
    ConfinedPathMapper.roots = roots
