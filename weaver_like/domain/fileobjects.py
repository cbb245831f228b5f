"""CWL's own objects inside of values: `{"class": "File" | "Directory", ...}`.

Source: CWL v1.2, CommandLineTool.html, sections "File" and "Directory".
"""

import copy
from collections.abc import Callable, Iterator

from weaver_like.domain.ids import is_file_name

_TEXTS = ("location", "path", "basename", "contents", "format", "mediaType")


def find_objects(value: object) -> Iterator[dict]:
    """Yield every File and Directory object, from the outside in. Not recursive: values may be nested deeper than calls."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("class") in ("File", "Directory"):
                yield part
            waiting += [item for item in part.values() if isinstance(item, (dict, list))]
        elif isinstance(part, list):
            waiting += [item for item in part if isinstance(item, (dict, list))]


def find_locations(value: object) -> Iterator[dict]:
    """Yield those objects that name a place."""
    return filter(location_of, find_objects(value))


def trouble_of(entry: dict) -> str:
    """What is wrong with an object, its parts left aside; empty if nothing is."""
    kind = entry["class"]
    for name in _TEXTS:
        if not isinstance(entry.get(name, ""), str):
            return f"{name} of a {kind} is no text"
    if not is_file_name(entry.get("basename", "file")):
        return f"basename of a {kind} is '{entry['basename'][:200]}'; the name of a file or folder is wanted, without a path"
    for name in ("secondaryFiles", "listing"):
        parts = entry.get(name, [])
        if not isinstance(parts, list) or not all(
            isinstance(part, dict) and part.get("class") in ("File", "Directory") for part in parts
        ):
            return f"{name} of a {kind} is no list of File and Directory objects"
    return ""


def location_of(entry: dict) -> str:
    """The URI of an object; empty if it has none: its contents or listing stand in it. Both names of it are understood."""
    for name in ("location", "path"):
        if isinstance(entry.get(name), str) and not entry[name].startswith("_:"):
            return entry[name]
    return ""


def relocated(value: object, place: Callable[[dict], str]) -> object:
    """A copy of a value whose objects lie at other places. place: an object -> its new location."""
    moved = copy.deepcopy(value)
    for entry in find_locations(moved):
        location = place(entry)
        entry.pop("path", None)
        entry["location"] = location
    return moved


def is_folder(value: object) -> bool:
    """True for a Directory with what is in it."""
    return isinstance(value, dict) and value.get("class") == "Directory" and isinstance(value.get("listing"), list)


def is_group(value: object) -> bool:
    """True for a File with companions, which belong into one folder."""
    return isinstance(value, dict) and value.get("class") == "File" and bool(value.get("secondaryFiles"))


def members(value: dict) -> Iterator[tuple[str, dict]]:
    """Yield everything in a Directory, or of a File with companions, with its relative path; folders end with a slash. Not recursive."""
    waiting = [
        ("", entry)
        for entry in reversed(value["listing"] if is_folder(value) else [value, *value.get("secondaryFiles", ())])
    ]
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
