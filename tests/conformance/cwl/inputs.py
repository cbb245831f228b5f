"""The inputs of a test as an execute request has them: paths become addresses
of a small web server, folders become archives on it."""

import io
import mimetypes
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from tests.conformance.cwl.bundle import Bundle, declared_inputs, process_of
from tests.conformance.cwl.suite import Case, load_yaml

#: What a client may say of a file; its size and checksum are for the server to find.
_FILE_MEMBERS = ("basename", "contents")
#: A folder `x` is to be had as `x.tar`.
_ARCHIVE = ".tar"


class _Files(SimpleHTTPRequestHandler):
    """Files, and archives of folders; a folder itself is 404, as for a server that lists none."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> object:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            self.send_error(404)
            return None
        folder = path.with_name(path.name.removesuffix(_ARCHIVE))
        return self._send_archive(folder) if path.suffix == _ARCHIVE and folder.is_dir() else super().send_head()

    def _send_archive(self, folder: Path) -> io.BytesIO:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            for inner in sorted(folder.iterdir()):
                archive.add(inner, inner.name)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Content-Length", str(content.tell()))
        self.end_headers()
        content.seek(0)
        return content

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_files(folder: Path) -> Iterator[str]:
    """A web server on 127.0.0.1 for what is below a folder; its URL, without a trailing slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Dress(StrEnum):
    """What stands for the files of a request: CWL's own objects, or links, as clients of OGC's standard send them."""

    CWL = "cwl"
    OGC = "ogc"


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that a web server serves, and where that is."""

    root: Path
    url: str

    def file_address(self, path: Path) -> str:
        """Where a file is to be had. Raises: ValueError, if it is not in the folder."""
        root = self.root.resolve()
        if not path.is_relative_to(root):
            raise ValueError(f"{path} is not in {root}")
        return f"{self.url}/{quote(path.relative_to(root).as_posix())}"


@dataclass(frozen=True, slots=True)
class _Job:
    """Where a job document is, where its files are to be had, what its prefixes mean, and what stands for files."""

    folder: Path
    place: Place
    namespaces: dict[str, str]
    dress: Dress


def execution_inputs(case: Case, bundle: Bundle, place: Place, dress: Dress = Dress.CWL) -> dict:
    """The `inputs` of the execute request.

    What the process does not declare is left out, as runners do, and so is null. Members that begin with `cwl:`
    speak to the runner; they stay.
    """
    if case.job is None:
        return {}
    given = load_yaml(case.job) or {}
    wanted = declared_inputs(bundle, case.process)
    main = bundle.main if isinstance(bundle.main, dict) else {}
    namespaces = {
        **main.get("$namespaces", {}),
        **process_of(main, case.process).get("$namespaces", {}),
        **given.get("$namespaces", {}),
    }
    job = _Job(case.job.parent, place, namespaces, dress)
    return {
        name: _convert(value, job)
        for name, value in given.items()
        if value is not None and (name in wanted or name.startswith("cwl:"))
    }


def _convert(value: object, job: _Job) -> object:
    if isinstance(value, list):
        return [_convert(item, job) for item in value]
    if not isinstance(value, dict):
        return value
    make = {"File": _file, "Directory": _directory}.get(value.get("class"))
    if make is None:
        return {name: _convert(item, job) for name, item in value.items()}
    made = make(value, job)
    return _link(made) or made if job.dress is Dress.OGC else made


def _link(made: dict) -> dict | None:
    """The link that says all that an object says, if there is one."""
    if "location" not in made or made.keys() - {"class", "location", "basename"}:
        return None
    name = unquote(urlsplit(made["location"]).path).rpartition("/")[2]
    kind = mimetypes.guess_type(name)[0]
    if made["class"] == "Directory":
        name, kind = name.removesuffix(_ARCHIVE), "application/directory"
    if made.get("basename", name) != name:
        return None
    return {"href": made["location"]} | ({"type": kind} if kind else {})


def _file(value: dict, job: _Job) -> dict:
    made = {"class": "File"} | {name: value[name] for name in _FILE_MEMBERS if name in value}
    if "format" in value:
        prefix, colon, rest = value["format"].partition(":")
        made["format"] = job.namespaces[prefix] + rest if colon and prefix in job.namespaces else value["format"]
    if "location" in value or "path" in value:
        made["location"] = _address(value, job)
    if "secondaryFiles" in value:
        # Links have no companions: inside of an object all are objects.
        made["secondaryFiles"] = _convert(value["secondaryFiles"], replace(job, dress=Dress.CWL))
    return made


def _directory(value: dict, job: _Job) -> dict:
    """With its `listing`, or else as an archive: one that is listed is no folder
    without a listing, as some tests want to have it."""
    made = {"class": "Directory"} | {name: value[name] for name in ("basename",) if name in value}
    if "listing" in value:
        return made | {"listing": _convert(value["listing"], replace(job, dress=Dress.CWL))}
    address = _address(value, job)
    return (
        {"basename": _path(value, job).name}
        | made
        | {"location": f"{address}{_ARCHIVE}" if address.startswith(f"{job.place.url}/") else address}
    )


def _path(value: dict, job: _Job) -> Path:
    """`location` is a reference, in which `%23` is `#`; `path` is a path."""
    text = unquote(value["location"]) if "location" in value else value["path"]
    return Path(os.path.abspath(job.folder / text))


def _address(value: dict, job: _Job) -> str:
    reference = value.get("location", "")
    return reference if urlsplit(reference).scheme else job.place.file_address(_path(value, job))
