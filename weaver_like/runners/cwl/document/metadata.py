"""What a package says about itself in terms of schema.org -> version, keywords and metadata of the process.

Source: schema.org, SoftwareApplication and CreativeWork; CWL v1.2, "Extensions and metadata"; OGC 18-062r2,
metadata.yaml.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarfloat import ScalarFloat

from weaver_like.runners.cwl.document.parse import plain
from weaver_like.runners.cwl.types import Document

SCHEMA_ORG = "https://schema.org/"
#: What it is called, in namespaces and in full: http or https, with or without its last sign.
_PLACE = re.compile(r"https?://(?:www\.)?schema\.org(?:/version/[\w.]+)?[/#]?", re.IGNORECASE)
#: Prefixes that are understood without a namespace.
_USUAL = {"s": SCHEMA_ORG, "schema": SCHEMA_ORG, "sdo": SCHEMA_ORG}
_VERSIONS = ("softwareVersion", "version")
_KEYWORDS = "keywords"
#: Terms that are relations of links too. Source: IANA, link relations.
_RELATIONS = {"license": "license", "author": "author", "softwareHelp": "help", "releaseNotes": "describedby"}


@dataclass(frozen=True, slots=True)
class Metadata:
    """version: empty if there is none."""

    version: str = ""
    keywords: tuple[str, ...] = ()
    entries: tuple[dict[str, Any], ...] = ()


def metadata_of(document: Document, entry: Document) -> Metadata:
    """Read the members of a process, then those of the document that it is in; the same twice counts once.

    document: as it is written.  entry: of its `$graph`, or the document itself.
    """
    namespaces = _USUAL | _namespaces(document) | _namespaces(entry)
    said: dict[str, object] = {}
    for holder in (entry, document):
        for name, value in _terms(holder, namespaces):
            if value not in (None, "", [], {}):
                said.setdefault(name, value)
    versions = [_version(said[name]) for name in _VERSIONS if name in said]
    entries = [
        _entry(name, part, namespaces)
        for name, value in said.items()
        if name not in (*_VERSIONS, _KEYWORDS)
        for part in (value if isinstance(value, list) else [value])
    ]
    return Metadata(versions[0] if versions else "", _keywords(said.get(_KEYWORDS)), tuple(entries))


def _is_term(name: str) -> bool:
    """True for the full name of a term of schema.org."""
    found = _PLACE.match(name)
    return found is not None and name[found.end() :].isidentifier()


def _namespaces(document: Document) -> dict[str, str]:
    given = document.get("$namespaces")
    return {str(prefix): str(uri) for prefix, uri in given.items()} if isinstance(given, dict) else {}


def _terms(holder: Document, namespaces: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    for member, value in holder.items():
        name = _term(str(member), namespaces)
        if name:
            yield name, value


def _term(member: str, namespaces: Mapping[str, str]) -> str:
    """A term without its namespace; empty for what is none of schema.org."""
    prefix, colon, rest = member.partition(":")
    if colon and prefix in namespaces:
        return rest if _PLACE.fullmatch(namespaces[prefix]) and rest.isidentifier() else ""
    found = _PLACE.match(member)
    return member[found.end() :] if found and _is_term(member) else ""


def _version(value: object) -> str:
    """A number keeps the digits with which it was written: 1.10 is not 1.1."""
    if isinstance(value, ScalarFloat):
        return str(RoundTripRepresenter().represent_scalar_float(value).value)
    if isinstance(value, list):
        return _version(value[0])
    return str(value) if isinstance(value, (str, int, float)) else ""


def _keywords(value: object) -> tuple[str, ...]:
    """Of a list, or of one text with commas."""
    given = value if isinstance(value, list) else str(value or "").split(",")
    words = (str(plain(word)).strip() for word in given if isinstance(word, (str, int, float)))
    return tuple(dict.fromkeys(word for word in words if word))


def _entry(name: str, value: object, namespaces: Mapping[str, str]) -> dict[str, Any]:
    """An address is a link; everything else is a value, as edition 2.0 has it."""
    said = _told(value, namespaces)
    entry: dict[str, Any] = {"role": f"{SCHEMA_ORG}{name}", "title": name}
    if isinstance(said, str) and re.match(r"https?://\S+\Z", said):
        return entry | {"rel": _RELATIONS.get(name, "related"), "href": said}
    return entry | {"value": said if isinstance(said, dict) else str(said)}


def _told(value: object, namespaces: Mapping[str, str]) -> Any:
    """A value whose members have no prefix any more."""
    if isinstance(value, dict):
        return {_term(str(key), namespaces) or str(key): _told(part, namespaces) for key, part in value.items()}
    if isinstance(value, list):
        return [_told(part, namespaces) for part in value]
    said = plain(value)
    return _term(said, namespaces) or said if isinstance(said, str) else said
