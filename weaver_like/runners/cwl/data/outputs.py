"""The output object of CWL -> outputs as runners give them."""

import os
import shutil
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard
from urllib.parse import unquote, urlsplit

from cwltool.process import Process, shortname

from weaver_like.domain.fileobjects import FileObject
from weaver_like.domain.messages import OutputArray, OutputFile, OutputValue, RunOutput
from weaver_like.runners.cwl.data.paths import ConfinedFsAccess
from weaver_like.runners.cwl.document.formats import media_type_of_format
from weaver_like.runners.cwl.types import Values

#: What other clients need of a file; everything else is about the folders of the run.
_KEPT = ("class", "basename", "size", "checksum", "format", "contents")
#: Where in a value something is: names of members, numbers of items.
Place: TypeAlias = tuple[str | int, ...]


def raw_outputs(tool: Process, found: Values, folder: Path) -> dict[str, RunOutput]:
    """The outputs of a tool by id; a null is not a result.

    Files without companions are results of their own; all others stay in CWL's objects, as parts of a JSON value.
    folder: where contents without a file are written.
    """
    outputs: dict[str, RunOutput] = {}
    for port in tool.tool["outputs"]:
        name = shortname(port["id"])
        value = found.get(name)
        if value is not None:
            outputs[name] = told_value(value, folder / name)
    return outputs


def told_value(value: object, folder: Path) -> RunOutput:
    """One value that is not null, as `raw_outputs` gives it."""
    if _is_plain_file(value):
        return _plain_file(value, folder)
    if isinstance(value, list) and value and all(map(_is_plain_file, value)):
        return OutputArray(tuple(_plain_file(item, folder / str(number)) for number, item in enumerate(value)))
    places: list[Place] = []
    told = _told(value, (), places, folder)
    return OutputValue(told, tuple(places))


def _is_plain_file(value: object) -> TypeGuard[FileObject]:
    return isinstance(value, dict) and value.get("class") == "File" and not value.get("secondaryFiles")


def _plain_file(value: FileObject, folder: Path) -> OutputFile:
    path = _path_of(value, folder)
    format_uri = value.get("format")
    if not isinstance(format_uri, str):
        return OutputFile(path)
    return OutputFile(path, media_type_of_format(format_uri), format_uri)


def _path_of(value: FileObject, folder: Path) -> str:
    """Where the file lies, under the name that it is to have; one that is only contents is written."""
    location = value.get("location", value.get("path", ""))
    if not location or location.startswith("_:"):
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / os.path.basename(value.get("basename") or "contents.txt")
        written.write_text(value.get("contents", ""))
        return str(written)
    path = unquote(urlsplit(location).path)
    name = os.path.basename(value.get("basename") or path)
    real = os.path.realpath(ConfinedFsAccess.roots.check(path))
    own = real.startswith(os.path.join(os.path.realpath(ConfinedFsAccess.roots.work), ""))
    if own and not os.path.islink(path) and name == os.path.basename(path):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    named = folder / name
    named.unlink(missing_ok=True)
    if not own:  # a file of the package, maybe in a folder that is linked as a whole: it stays where it is
        shutil.copyfile(real, named)
    else:
        os.link(real, named)
    return str(named)


def _told(value: object, where: Place, places: list[Place], folder: Path) -> Any:
    """The value with the paths of its files; where these are is added to `places`."""
    if isinstance(value, list):
        return [_told(item, (*where, number), places, folder / str(number)) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.get("class") == "File":
        return _told_file(value, where, places, folder)
    if value.get("class") == "Directory":
        name = value.get("basename") or os.path.basename(unquote(urlsplit(value.get("location", "")).path).rstrip("/"))
        listing = _told(_listing(value), (*where, "listing"), places, folder)
        return {"class": "Directory", "basename": name, "listing": listing}
    return {key: _told(item, (*where, key), places, folder) for key, item in value.items()}


def _told_file(value: FileObject, where: Place, places: list[Place], folder: Path) -> FileObject:
    path = _path_of(value, folder)
    places.append((*where, "location"))
    told = {key: value[key] for key in _KEPT if key in value} | {"location": path, "size": os.path.getsize(path)}
    if value.get("secondaryFiles"):
        told["secondaryFiles"] = _told(value["secondaryFiles"], (*where, "secondaryFiles"), places, folder)
    return told


def _listing(value: FileObject) -> list[FileObject]:
    """What is in a directory: as it was said, or as it is on disk."""
    location = value.get("location", "")
    if not location or location.startswith("_:"):
        listing: list[FileObject] = value.get("listing", [])
        return listing
    folder = Path(unquote(urlsplit(location).path))
    return [
        {"class": "Directory" if path.is_dir() else "File", "location": path.as_uri(), "basename": path.name}
        for path in sorted(folder.iterdir())
    ]
