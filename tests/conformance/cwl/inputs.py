"""The inputs of a test as an execute request has them: paths become addresses
of a small web server, folders become archives on it."""

import io
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a job document is, where its files are to be had, and what its prefixes mean."""

    folder: Path
    root: Path
    url: str
    namespaces: dict[str, str]


def execution_inputs(case: Case, bundle: Bundle, root: Path, url: str) -> dict:
    """The `inputs` of the execute request.

    What the process does not declare is left out, as runners do, and so is null. Members that begin with `cwl:`
    speak to the runner; they stay. root: folder that the web server at `url` serves.
    """
    if case.job is None:
        return {}
    job = load_yaml(case.job) or {}
    wanted = declared_inputs(bundle, case.process)
    main = bundle.main if isinstance(bundle.main, dict) else {}
    namespaces = {
        **main.get("$namespaces", {}),
        **process_of(main, case.process).get("$namespaces", {}),
        **job.get("$namespaces", {}),
    }
    place = _Place(case.job.parent, root.resolve(), url, namespaces)
    return {
        name: _convert(value, place)
        for name, value in job.items()
        if value is not None and (name in wanted or name.startswith("cwl:"))
    }


def _convert(value: object, place: _Place) -> object:
    if isinstance(value, list):
        return [_convert(item, place) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class") == "File":
        return _file(value, place)
    if value.get("class") == "Directory":
        return _directory(value, place)
    return {name: _convert(item, place) for name, item in value.items()}


def _file(value: dict, place: _Place) -> dict:
    made = {"class": "File"} | {name: value[name] for name in _FILE_MEMBERS if name in value}
    if "format" in value:
        prefix, colon, rest = value["format"].partition(":")
        made["format"] = place.namespaces[prefix] + rest if colon and prefix in place.namespaces else value["format"]
    if "location" in value or "path" in value:
        made["location"] = _address(value, place)
    if "secondaryFiles" in value:
        made["secondaryFiles"] = _convert(value["secondaryFiles"], place)
    return made


def _directory(value: dict, place: _Place) -> dict:
    """With its `listing`, or else as an archive: one that is listed is no folder
    without a listing, as some tests want to have it."""
    made = {"class": "Directory"} | {name: value[name] for name in ("basename",) if name in value}
    if "listing" in value:
        return made | {"listing": _convert(value["listing"], place)}
    address = _address(value, place)
    return (
        {"basename": _path(value, place).name}
        | made
        | {"location": f"{address}{_ARCHIVE}" if address.startswith(f"{place.url}/") else address}
    )


def _path(value: dict, place: _Place) -> Path:
    """`location` is a reference, in which `%23` is `#`; `path` is a path."""
    text = unquote(value["location"]) if "location" in value else value["path"]
    return Path(os.path.abspath(place.folder / text))


def _address(value: dict, place: _Place) -> str:
    reference = value.get("location", "")
    if urlsplit(reference).scheme:
        return reference
    return f"{place.url}/{quote(_path(value, place).relative_to(place.root).as_posix())}"
