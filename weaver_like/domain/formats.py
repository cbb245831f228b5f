"""Media types and formats."""

import mimetypes
import re
from dataclasses import dataclass
from typing import Any

JSON = "application/json"
GEOJSON = "application/geo+json"
TEXT = "text/plain"
HTML = "text/html"
OCTETS = "application/octet-stream"

#: Types that the standard library does not know, or names differently than is usual in the field.
_EXTENSIONS = {
    JSON: ".json",
    GEOJSON: ".geojson",
    TEXT: ".txt",
    OCTETS: ".bin",
    "text/xml": ".xml",
    "application/xml": ".xml",
    "image/tiff": ".tif",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "text/csv": ".csv",
    HTML: ".html",
    "application/zip": ".zip",
    "application/x-netcdf": ".nc",
    "application/gml+xml": ".gml",
}
_FOLDERS = ("application/directory", "inode/directory", "httpd/unix-directory")
_TYPES = {
    ".geojson": GEOJSON,
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".nc": "application/x-netcdf",
    ".gml": "application/gml+xml",
    ".json": JSON,
    ".zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Format:
    """How a value is encoded.

    media_type: with its parameters, as given.  encoding: "base64", "utf-8", ... or None.
    schema: URI or JSON schema that the value follows, or None.
    Source: OGC 18-062r2, format.yaml.
    """

    media_type: str | None = None
    encoding: str | None = None
    schema: object = None


_TOKEN = r"[A-Za-z0-9!#$&^_.+-]{1,127}"
_MEDIA_TYPE = re.compile(
    rf'{_TOKEN}/{_TOKEN}(?:\s?;\s?{_TOKEN}(?:="[^"\\\x00-\x1f\x7f-\uffff]{{0,200}}"|={_TOKEN})?)*\Z'
)


def is_media_type(text: str) -> bool:
    """True if a text may stand in a header `Content-Type`. Source: RFC 9110 section 8.3.1, RFC 6838 section 4.2."""
    return len(text) <= 300 and bool(_MEDIA_TYPE.match(text))


def essence(media_type: str) -> str:
    """`type/subtype` in lower case, without parameters."""
    return media_type.partition(";")[0].strip().lower()


def same_type(one: str, other: str) -> bool:
    """True if two media types mean the same; a parameter counts only where both give it."""
    if essence(one) != essence(other):
        return False
    first, second = parameters(one), parameters(other)
    return all(first[name] == second[name] for name in first.keys() & second.keys())


def parameters(media_type: str) -> dict[str, str]:
    """The parameters of a media type, names and values in lower case."""
    pairs = (part.partition("=") for part in media_type.split(";")[1:])
    return {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs if name.strip()}


def is_json(media_type: str | None) -> bool:
    kind = essence(media_type or "")
    return kind == JSON or kind.endswith("+json")


def is_text(media_type: str | None) -> bool:
    """True if bytes of this type are readable text that may stand in a JSON string."""
    kind = essence(media_type or "")
    return (
        kind.startswith("text/")
        or kind in {"application/xml", "application/gml+xml"}
        or kind.endswith("+xml")
        or is_json(kind)
    )


def file_schema(media_type: str) -> dict[str, Any]:
    """How a description says that a file is wanted: text and JSON may stand in a request, all else as base64."""
    if essence(media_type) == GEOJSON:
        return {"type": "object", "contentMediaType": media_type}
    if is_json(media_type):
        return {"contentMediaType": media_type}
    if is_text(media_type):
        return {"type": "string", "contentMediaType": media_type}
    return {"type": "string", "contentEncoding": "binary", "contentMediaType": media_type}


def is_folder_type(media_type: str | None) -> bool:
    """True for what clients and servers call a folder."""
    return essence(media_type or "") in _FOLDERS


def extension_of(media_type: str | None) -> str:
    """File name extension with its dot; empty if the type is unknown."""
    kind = essence(media_type or "")
    return _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ""


def media_type_of(file_name: str) -> str:
    """Media type by extension; `application/octet-stream` if unknown."""
    suffix = "." + file_name.rpartition(".")[2].lower() if "." in file_name else ""
    return _TYPES.get(suffix) or mimetypes.guess_type(file_name)[0] or OCTETS
