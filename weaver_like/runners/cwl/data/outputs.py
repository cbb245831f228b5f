"""The output object of CWL -> outputs as runners give them."""

import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cwltool.process import Process, shortname

from weaver_like.domain.messages import OutputArray, OutputFile, OutputValue, RunOutput
from weaver_like.runners.cwl.data.paths import ConfinedFsAccess
from weaver_like.runners.cwl.document.formats import media_type_of_format

#: What other clients need of a file; everything else is about the folders of the run.
_KEPT = ("class", "basename", "size", "checksum", "format", "contents")


def raw_outputs(tool: Process, found: dict, folder: Path) -> dict[str, RunOutput]:
    """Outputs by id.

    A null is no result. Files without companions are results of their own; all others stay in CWL's objects, as parts of a JSON value.
    folder: where contents without a file are written.
    """
    return {
        name: _raw(value, folder / name)
        for port in tool.tool["outputs"]
        if (value := found.get(name := shortname(port["id"]))) is not None
    }


def _raw(value: object, folder: Path) -> RunOutput:
    if _is_plain_file(value):
        return _plain_file(value, folder)
    if isinstance(value, list) and value and all(map(_is_plain_file, value)):
        return OutputArray(tuple(_plain_file(item, folder / str(number)) for number, item in enumerate(value)))
    files: list[tuple[str | int, ...]] = []
    told = _told(value, (), files, folder)
    return OutputValue(told, tuple(files))


def _is_plain_file(value: object) -> bool:
    return isinstance(value, dict) and value.get("class") == "File" and not value.get("secondaryFiles")


def _plain_file(value: dict, folder: Path) -> OutputFile:
    path = _path_of(value, folder)
    if not isinstance(value.get("format"), str):
        return OutputFile(path)
    return OutputFile(path, media_type_of_format(value["format"]), value["format"])


def _path_of(value: dict, folder: Path) -> str:
    """Where the file lies, under the name that it is to have; one that is only contents is written."""
    location = value.get("location", value.get("path", ""))
    if not location or location.startswith("_:"):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / os.path.basename(value.get("basename") or "contents.txt")
        path.write_text(value.get("contents", ""))
        return str(path)
    path = unquote(urlsplit(location).path)
    name = os.path.basename(value.get("basename") or path)
    foreign = not path.startswith(ConfinedFsAccess.roots.work)  # a file of the package: it stays where it is
    if not foreign and not os.path.islink(path) and name == os.path.basename(path):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    named = folder / name
    named.unlink(missing_ok=True)
    (shutil.copyfile if foreign else os.link)(os.path.realpath(ConfinedFsAccess.roots.check(path)), named)
    return str(named)


def _told(value: object, where: tuple, files: list[tuple[str | int, ...]], folder: Path) -> object:
    """The value with paths of files at the places that `files` gets."""
    if isinstance(value, list):
        return [_told(item, (*where, number), files, folder / str(number)) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.get("class") == "File":
        path = _path_of(value, folder)
        files.append((*where, "location"))
        told = {key: value[key] for key in _KEPT if key in value} | {"location": path, "size": os.path.getsize(path)}
        if value.get("secondaryFiles"):
            told["secondaryFiles"] = _told(value["secondaryFiles"], (*where, "secondaryFiles"), files, folder)
        return told
    if value.get("class") == "Directory":
        listing = _listing(value)
        name = value.get("basename") or os.path.basename(unquote(urlsplit(value.get("location", "")).path).rstrip("/"))
        return {"class": "Directory", "basename": name, "listing": _told(listing, (*where, "listing"), files, folder)}
    return {key: _told(item, (*where, key), files, folder) for key, item in value.items()}


def _listing(value: dict) -> list[dict]:
    """What is in a directory: as it was said, or as it is on disk."""
    location = value.get("location", "")
    if not location or location.startswith("_:"):
        return value.get("listing", [])
    folder = Path(unquote(urlsplit(location).path))
    return [
        {"class": "Directory" if path.is_dir() else "File", "location": path.as_uri(), "basename": path.name}
        for path in sorted(folder.iterdir())
    ]
