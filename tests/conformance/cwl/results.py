"""The results document of a job as CWL's outputs: every file is downloaded, weighed and summed."""

import hashlib
import json
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from tests.conformance.cwl.compare import Mismatch

#: Members of a qualified value beside `value`. Source: ogcapi-processes qualifiedInputValue.yaml, format.yaml.
_QUALIFIERS = {"value", "mediaType", "encoding", "schema", "format"}

#: The content behind a URL.
Fetch = Callable[[str], bytes]


def wanted_outputs(description: dict) -> dict:
    """The `outputs` of an execute request: files by reference, because a file by value has no name; all else by value.

    description: of the process, as the server gives it.
    """
    return {
        name: {"transmissionMode": "reference" if _holds_file(entry["schema"]) else "value"}
        for name, entry in description["outputs"].items()
    }


def _holds_file(schema: dict) -> bool:
    """True if a value of this schema may be a file, or an array of files."""
    inner = [
        *schema.get("oneOf", ()),
        *schema.get("anyOf", ()),
        *([schema["items"]] if isinstance(schema.get("items"), dict) else []),
    ]
    return "contentMediaType" in schema or any(map(_holds_file, inner))


def collect(value: object, fetch: Fetch, folder: str = "") -> object:
    """A result with links and files as CWL objects.

    Files get `size`, `checksum` and `contents` of what was downloaded; `location`
    is the path in the folder that they are in.
    Raises: Mismatch, if the server says another size or checksum than its file has.
    """
    if isinstance(value, list):
        return [collect(item, fetch, folder) for item in value]
    if not isinstance(value, dict):
        return value
    if "value" in value and value.keys() <= _QUALIFIERS:
        return collect(value["value"], fetch, folder)
    if isinstance(value.get("href"), str):
        return _linked(value, fetch, folder)
    if value.get("class") == "File":
        return _file(value, fetch, folder)
    if value.get("class") == "Directory":
        return _directory(value, fetch, folder)
    return {name: collect(item, fetch, folder) for name, item in value.items()}


def _linked(link: dict, fetch: Fetch, folder: str) -> object:
    """A file; or, if JSON that describes some is linked, a folder or a file with companions, or an array of them."""
    if str(link.get("type", "")).partition(";")[0] == "application/json":
        try:
            document = json.loads(fetch(link["href"]))
        except ValueError:
            document = None
        if _describes_files(document):
            return collect(document, fetch, folder)
    # What CWL calls a format is the `schema` of a link.
    format = {"format": link["schema"]} if isinstance(link.get("schema"), str) else {}
    return _file({"class": "File", "location": link["href"]} | format, fetch, folder)


def _describes_files(document: object) -> bool:
    if isinstance(document, list):
        return bool(document) and all(map(_describes_files, document))
    return isinstance(document, dict) and document.get("class") in ("File", "Directory")


def _file(value: dict, fetch: Fetch, folder: str) -> dict:
    content = fetch(value["location"]) if "location" in value else value.get("contents", "").encode()
    basename = value.get("basename") or unquote(urlsplit(value.get("location", "")).path).rpartition("/")[2]
    found = {"size": len(content), "checksum": "sha1$" + hashlib.sha1(content).hexdigest()}
    for name, true_value in found.items():
        if value.get(name, true_value) != true_value:
            raise Mismatch(f"{folder}{basename}: the server says {name} {value[name]!r}, its file has {true_value!r}")
    made = (
        value
        | found
        | {"basename": basename, "location": folder + basename, "contents": content.decode("utf-8", "replace")}
    )
    if value.get("secondaryFiles"):
        made["secondaryFiles"] = collect(value["secondaryFiles"], fetch, folder)
    return made


def _directory(value: dict, fetch: Fetch, folder: str) -> dict:
    basename = value.get("basename") or unquote(urlsplit(value.get("location", "")).path).rstrip("/").rpartition("/")[2]
    location = folder + basename
    return value | {
        "basename": basename,
        "location": location,
        "listing": collect(value.get("listing"), fetch, f"{location}/"),
    }
