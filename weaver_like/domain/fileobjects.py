"""CWL's own objects inside values: `{"class": "File" | "Directory", ...}`.

Source: CWL v1.2, CommandLineTool.html, sections "File" and "Directory".
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeGuard

from weaver_like.domain.ids import is_file_name

FileObject: TypeAlias = dict[str, Any]

_CLASSES = ("File", "Directory")
_TEXTS = ("location", "path", "basename", "contents", "format", "mediaType")


def is_object(value: object) -> TypeGuard[FileObject]:
    """True for a File or Directory object."""
    return isinstance(value, dict) and value.get("class") in _CLASSES


def find_objects(value: object) -> Iterator[FileObject]:
    """Yield every File and Directory object, from the outside in.

    Not recursive: values may be nested deeper than calls.
    """
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("class") in _CLASSES:
                yield part
            waiting += [item for item in part.values() if isinstance(item, (dict, list))]
        elif isinstance(part, list):
            waiting += [item for item in part if isinstance(item, (dict, list))]


def find_locations(value: object) -> Iterator[FileObject]:
    """Yield the objects that name a location."""
    return filter(location_of, find_objects(value))


def trouble_of(entry: FileObject) -> str:
    """What is wrong with an object, apart from its parts; empty if nothing."""
    kind = entry["class"]
    for name in _TEXTS:
        if not isinstance(entry.get(name, ""), str):
            return f"{name} of a {kind} is not a text"
    if not is_file_name(entry.get("basename", "file")):
        given = entry["basename"][:200]
        return f"basename of a {kind} is '{given}'; expected the name of a file or folder, without a path"
    for name in ("secondaryFiles", "listing"):
        parts = entry.get(name, [])
        if not isinstance(parts, list) or not all(map(is_object, parts)):
            return f"{name} of a {kind} is not a list of File and Directory objects"
    return ""


def location_of(entry: FileObject) -> str:
    """The URI of an object; empty if it has none and holds its contents or listing itself.

    Both `location` and `path` are understood.
    """
    if is_folder(entry):
        return ""
    for name in ("location", "path"):
        place = entry.get(name)
        if isinstance(place, str) and not place.startswith("_:"):
            return place
    return ""


def relocated(value: Any, place: Callable[[FileObject], str]) -> Any:
    """A copy of a value with other locations of its objects. place: an object -> its new location."""
    moved = copy.deepcopy(value)
    for entry in find_locations(moved):
        location = place(entry)
        entry.pop("path", None)
        entry["location"] = location
    return moved


def is_folder(value: object) -> TypeGuard[FileObject]:
    """True for a Directory that lists its contents."""
    return isinstance(value, dict) and value.get("class") == "Directory" and isinstance(value.get("listing"), list)


def is_group(value: object) -> TypeGuard[FileObject]:
    """True for a File with companions, which belong in one folder."""
    return isinstance(value, dict) and value.get("class") == "File" and bool(value.get("secondaryFiles"))


def members(value: FileObject) -> Iterator[tuple[str, FileObject]]:
    """Yield all that is in a Directory, or a File with its companions, by relative path; folders end with a slash.

    Not recursive: values may be nested deeper than calls.
    """
    first: list[FileObject] = value["listing"] if is_folder(value) else [value, *value.get("secondaryFiles", ())]
    waiting = [("", entry) for entry in reversed(first)]
    while waiting:
        folder, entry = waiting.pop()
        path = folder + str(entry.get("basename", "file")).replace("/", "_")
        if entry.get("class") == "Directory":
            yield f"{path}/", entry
            waiting += [(f"{path}/", inner) for inner in reversed(entry.get("listing", ()))]
        else:
            yield path, entry
            if folder or entry is not value:
                waiting += [(folder, companion) for companion in reversed(entry.get("secondaryFiles", ()))]
