"""Kinds of documents in a package, by media type and by their members."""

import re
from dataclasses import dataclass, field
from typing import Any

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.schemas.jsontext import JsonObject, check_depth, loads

OGC_JSON = "application/ogcapppkg+json"
#: OGC application packages. Source: /req/ogcapppkg/body.
OGC_TYPES = (OGC_JSON, "application/ogcapppkg+yaml")
#: Documents of any kind: their members tell which.
PLAIN_TYPES = ("application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
#: Several files.
MULTIPART_TYPES = ("multipart/related", "multipart/mixed", "multipart/form-data")
_BOM = b"\xef\xbb\xbf"
#: An escape of JSON: of half a pair with its other half, or of anything else.
_ESCAPE = re.compile(r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)
#: Inside of texts, where JSON allows them: control characters, ends of lines, what is no character.
_NOT_OF_YAML = re.compile(r"[\x7f-\x9f\u2028\u2029\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Description:
    """An OGC process description that refines what a package says of itself; empty: there is none.

    Args:
        pointer: where it stands in the body.
        beside: members that stand beside its `process`, one level above, as older clients write them.
    """

    members: JsonObject = field(default_factory=dict)
    pointer: str = ""
    beside: frozenset[str] = frozenset()

    def place(self, pointer: str) -> str:
        """Where something stands in the body. pointer: from the description itself."""
        first = pointer[1:].partition("/")[0]
        return (self.pointer.rpartition("/")[0] if first in self.beside else self.pointer) + pointer


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


def as_yaml(content: bytes) -> bytes:
    """JSON that is YAML too, every line where it was; anything else as it is.

    YAML has no pairs of escapes for one character, no tabs between its parts, and ends lines at signs where JSON does
    not. Source: RFC 8259, sections 2 and 7; YAML 1.2.2, sections 5.1 and 5.7.
    """
    if content.removeprefix(_BOM).lstrip()[:1] not in (b"{", b"["):
        return content
    try:
        loads(content.removeprefix(_BOM))
        text = content.decode()
    except ValueError:
        return content
    text = _ESCAPE.sub(_joined, text.replace("\t", " "))  # valid JSON has no tab inside its texts
    return _NOT_OF_YAML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text).encode()


def _joined(escape: re.Match[str]) -> str:
    """A pair of escapes as the one character that it means; any other escape as it is."""
    if not escape["high"]:
        return escape[0]
    return chr(0x10000 + ((int(escape["high"], 16) - 0xD800) << 10) + int(escape["low"], 16) - 0xDC00)


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
