"""Kinds of documents in a package, by media type and by their members."""

from typing import Any

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.schemas.jsontext import check_depth, loads

OGC_JSON = "application/ogcapppkg+json"
#: OGC application packages. Source: /req/ogcapppkg/body.
OGC_TYPES = (OGC_JSON, "application/ogcapppkg+yaml")
#: Documents of any kind: their members tell which.
PLAIN_TYPES = ("application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
#: Several files.
MULTIPART_TYPES = ("multipart/related", "multipart/mixed", "multipart/form-data")
_BOM = b"\xef\xbb\xbf"


def read_json(content: bytes) -> object:
    """Raises: InvalidPackage, with line and column."""
    try:
        value = loads(content.removeprefix(_BOM))
        check_depth(content, value)
    except (ValueError, RecursionError) as error:
        raise InvalidPackage(f"The body is not JSON: {error}.", faults=[Fault("", str(error))]) from error
    return value


def looks_like_object(content: bytes) -> bool:
    """True if a text begins as a JSON object does."""
    return content.removeprefix(_BOM).lstrip()[:1] == b"{"


def without_tabs(content: bytes) -> bytes:
    """JSON whose tabs are blanks, so that it is YAML too, and every position stays the same; anything else as it is."""
    if b"\t" not in content or content.removeprefix(_BOM).lstrip()[:1] not in (b"{", b"["):
        return content
    try:
        loads(content.removeprefix(_BOM))
    except ValueError:
        return content
    return content.replace(b"\t", b" ")  # valid JSON has none inside its texts


def is_application_package(document: object) -> bool:
    """True for an OGC application package: a description and execution units."""
    if not isinstance(document, dict) or document.keys() & {"cwlVersion", "$graph"}:
        return False
    return bool(document.keys() & {"executionUnit", "processDescription"})


def is_description(document: object) -> bool:
    """True for an OGC process description that stands alone."""
    if not isinstance(document, dict) or document.keys() & {"cwlVersion", "$graph", "class", "executionUnit"}:
        return False
    members: list[Any] = [document.get(name) for name in ("inputs", "outputs", "jobControlOptions")]
    return isinstance(document.get("id"), str) and any(isinstance(member, (dict, list)) for member in members)
