"""Types that SchemaDefRequirement names: each stands where its name stood, as if it had been written there.

So they are described, checked on the way from step to step, and bound to command lines like any other type; cwltool
compares names, which say in which file a type was written.
"""

from collections.abc import Iterator
from typing import TypeAlias

from cwltool.process import shortname
from schema_salad.exceptions import ValidationException

from weaver_like.runners.cwl.types import CwlType, Document

_Definitions: TypeAlias = dict[str, Document]
_KINDS = ("record", "enum", "array")
_PARTS = ("type", "items")
_SECTIONS = ("inputs", "outputs")


class NamedTypes:
    """The types that the documents of one package name, by their full names."""

    def __init__(self) -> None:
        self._definitions: _Definitions = {}

    def write_in_place(self, document: Document) -> None:
        """Replace names of types in the inputs and outputs of a process by what they stand for.

        Raises: ValidationException, for a type that is defined twice, or that holds itself in a way without an end.
        """
        for section in ("requirements", "hints"):
            for requirement in _schema_definitions(document.get(section)):
                self._learn(requirement)
        ports = [port for section in _SECTIONS for port in document.get(section) or () if isinstance(port, dict)]
        for port in ports:
            if "type" in port:
                port["type"] = self._expanded(port["type"], ())
        if not any(self._names(port.get("type")) for port in ports):
            _forget_definitions(document)

    def _learn(self, requirement: Document) -> None:
        names = [definition["name"] for definition in _named(requirement.get("types"))]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValidationException(f"The type '{shortname(twice)}' is defined twice.")
        self._definitions |= {definition["name"]: definition for definition in _named(requirement.get("types"))}

    def _expanded(self, kind: CwlType, around: tuple[str, ...]) -> CwlType:
        """A type without names. around: those whose definitions this one is in."""
        if isinstance(kind, str):
            return self._meant(kind, around)
        if isinstance(kind, list):
            return [self._expanded(option, around) for option in kind]
        if not isinstance(kind, dict):
            return kind
        if around:
            kind = _nameless(kind)  # cwltool knows a name only once
        parts: Document = {part: self._expanded(kind[part], around) for part in _PARTS if part in kind}
        if isinstance(kind.get("fields"), list):
            parts["fields"] = [self._with_type(field, around) for field in kind["fields"]]
        return {**kind, **parts}

    def _meant(self, name: str, around: tuple[str, ...]) -> CwlType:
        """A record may hold itself, by its name, which cwltool resolves; a longer way back has no end there."""
        if name not in self._definitions:
            return name
        definition = self._definitions[name]
        if name in around:
            if around[-1] == name and definition["type"] == "record":
                return name
            raise ValidationException(f"The type '{shortname(name)}' holds itself by way of another type.")
        return self._expanded(_nameless(definition), (*around, name))

    def _with_type(self, field: object, around: tuple[str, ...]) -> object:
        if not isinstance(field, dict) or "type" not in field:
            return field
        return {**field, "type": self._expanded(field["type"], around)}

    def _names(self, kind: object) -> bool:
        """True if a name is left in a type: of a record that holds itself."""
        if isinstance(kind, str):
            return kind in self._definitions
        if isinstance(kind, list):
            return any(map(self._names, kind))
        return isinstance(kind, dict) and any(self._names(kind.get(part)) for part in (*_PARTS, "fields"))


def _schema_definitions(requirements: object) -> Iterator[Document]:
    for requirement in requirements if isinstance(requirements, list) else ():
        if isinstance(requirement, dict) and requirement.get("class") == "SchemaDefRequirement":
            yield requirement


def _named(value: object) -> Iterator[Document]:
    """Every type with a name, those inside of others too."""
    if isinstance(value, list):
        for part in value:
            yield from _named(part)
    elif isinstance(value, dict):
        if isinstance(value.get("name"), str) and value.get("type") in _KINDS:
            yield value
        for member in (*_PARTS, "fields"):
            yield from _named(value.get(member))


def _nameless(definition: Document) -> Document:
    return {member: value for member, value in definition.items() if member != "name"}


def _forget_definitions(document: Document) -> None:
    """Nobody asks for them any more, and cwltool stumbles over some, e.g. arrays with a name."""
    for section in ("requirements", "hints"):
        for definition in [*_schema_definitions(document.get(section))]:
            document[section].remove(definition)
