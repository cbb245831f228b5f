"""An OGC process description, or a patch, refines what a package says of itself; it never contradicts it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from weaver_like.deployment.compatible import (
    Incompatible,
    compatible_schema,
    max_occurs,
    min_occurs,
    without_lists,
)
from weaver_like.domain.errors import Fault, InvalidInput, InvalidPackage
from weaver_like.domain.process import InputDescription, JobControl, OutputDescription, Process
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import to_pointer

_HEAD = ("title", "description", "keywords", "metadata")
_PORT = (*_HEAD, "schema")
_PATCH = (*_HEAD, "inputs", "outputs", "jobControlOptions", "version")
_LONGEST = 100_000
_MOST_ITEMS = 1000
_MOST_FAULTS = 50
_HEAD_SCHEMA: JsonObject = {
    "title": {"type": "string", "nullable": True},
    "description": {"type": "string", "nullable": True},
    "keywords": {"type": "array", "items": {"type": "string"}, "nullable": True},
    "metadata": {"type": "array", "items": {"type": "object"}, "nullable": True},
}
_PORTS_SCHEMA: JsonObject = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": _HEAD_SCHEMA | {"schema": {"type": "object"}},
        "additionalProperties": False,
    },
}
#: As the API definition shows it.
PATCH_SCHEMA: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": _HEAD_SCHEMA
    | {
        "inputs": _PORTS_SCHEMA,
        "outputs": _PORTS_SCHEMA,
        "version": {"type": "string"},
        "jobControlOptions": {
            "type": "array",
            "items": {"type": "string", "enum": [str(option) for option in JobControl]},
            "nullable": True,
        },
    },
}
#: Types of the older form's `literalDataDomains`.
_LITERALS = {
    "integer": "integer",
    "int": "integer",
    "float": "number",
    "double": "number",
    "number": "number",
    "boolean": "boolean",
    "string": "string",
}
_TYPE_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}
_Port = TypeVar("_Port", InputDescription, OutputDescription)


def refine(process: Process, description: JsonObject, pointer: str = "") -> Process:
    """The process as an OGC description (process.yaml, or the older form with lists) tells it.

    pointer: of the description, for the faults. What a description has beyond that (links, outputTransmission, ...)
    says nothing here.
    Raises: InvalidPackage, naming what the package does not have or cannot take.
    """
    refiner = _Refiner(pointer)
    refined = refiner.process(process, _modern(description))
    if "version" in description:
        version = refiner.text(description["version"], "/version")
        refined = replace(refined, version=version or refined.version)
    if refiner.faults:
        raise InvalidPackage(_message("The process description", refiner.faults), faults=refiner.faults)
    return refined


def patch(process: Process, document: object) -> Process:
    """A merge patch (RFC 7396) of a description; its `version` is left to the caller.

    Raises: InvalidInput, naming what is unknown, ill-typed or does not fit.
    """
    if not isinstance(document, dict):
        raise InvalidInput("The body is a merge patch: expected an object with the members that change.")
    refiner = _Refiner("", patch=True)
    refiner.only_known(document, _PATCH, "")
    refined = refiner.process(process, document)
    if "version" in document:
        refiner.text(document["version"], "/version")
    if refiner.faults:
        raise InvalidInput(_message("The patch", refiner.faults), faults=refiner.faults)
    return refined


def _message(what: str, faults: Sequence[Fault]) -> str:
    """The first faults in one sentence."""
    first = "; ".join(f"{fault.pointer or '/'}: {fault.detail.rstrip('.')}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return f"{what} is not valid: {first}{more}."


def _modern(description: JsonObject) -> JsonObject:
    """The older form, with lists of inputs and outputs and with `abstract`, as the one of today."""
    modern = dict(description)
    if isinstance(modern.get("abstract"), str):
        modern.setdefault("description", modern["abstract"])
    for name in ("inputs", "outputs"):
        ports = modern.get(name)
        if isinstance(ports, list) and all(
            isinstance(port, dict) and isinstance(port.get("id"), str) for port in ports
        ):
            modern[name] = {port["id"]: port for port in ports}
    return modern


class _Refiner:
    """Collects the faults of one document. patch: members that are null go, and unknown ones are faults."""

    def __init__(self, pointer: str, patch: bool = False):
        self.faults: list[Fault] = []
        self._pointer = pointer
        self._patch = patch

    def fault(self, pointer: str, detail: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(self._pointer + pointer, detail))

    def only_known(self, document: Mapping[str, object], known: tuple[str, ...], pointer: str) -> None:
        for name in document:
            if name not in known:
                self.fault(pointer + to_pointer([str(name)[:200]]), f"this cannot be patched; {', '.join(known)} can")

    def process(self, process: Process, given: JsonObject) -> Process:
        changes = self._head(given, "")
        changes["inputs"] = self._ports(process.inputs, given, "inputs")
        changes["outputs"] = self._ports(process.outputs, given, "outputs")
        if given.get("jobControlOptions") is not None:
            changes["job_control"] = self._job_control(given["jobControlOptions"]) or process.job_control
        elif self._removes(given, "jobControlOptions"):
            changes["job_control"] = tuple(JobControl)
        return replace(process, **changes)

    def text(self, value: object, pointer: str) -> str | None:
        """A text of bearable length, None for none."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(pointer, f"expected a text, got {_type_name(value)}")
            return None
        if len(value) > _LONGEST:
            self.fault(pointer, f"expected at most {_LONGEST} characters, got {len(value)}")
            return None
        return value or None

    def _removes(self, given: JsonObject, name: str) -> bool:
        """True for a member of a patch that is null."""
        return self._patch and name in given and given[name] is None

    def _head(self, given: JsonObject, pointer: str) -> dict[str, Any]:
        """Changes of what processes, inputs and outputs have in common."""
        changes: dict[str, Any] = {}
        for name in ("title", "description"):
            if given.get(name) is not None or self._removes(given, name):
                changes[name] = self.text(given[name], f"{pointer}/{name}")
        for name, kind, expected in (("keywords", str, "a list of texts"), ("metadata", dict, "a list of objects")):
            value = given.get(name)
            if value is None:
                if self._removes(given, name):
                    changes[name] = ()
            elif (
                isinstance(value, list) and len(value) <= _MOST_ITEMS and all(isinstance(part, kind) for part in value)
            ):
                changes[name] = tuple(value)
            else:
                self.fault(f"{pointer}/{name}", f"expected {expected}, got {_type_name(value)}")
        return changes

    def _job_control(self, given: object) -> tuple[JobControl, ...]:
        known = [str(option) for option in JobControl]
        if not isinstance(given, list) or not all(option in known for option in given):
            self.fault("/jobControlOptions", f"expected a list of {', '.join(known)}")
            return ()
        if not {"sync-execute", "async-execute"} & set(given):
            self.fault(
                "/jobControlOptions",
                "expected sync-execute or async-execute, or both: otherwise the process could not be executed",
            )
            return ()
        return tuple(JobControl(option) for option in dict.fromkeys(given))

    def _ports(self, ports: dict[str, _Port], given: JsonObject, name: str) -> dict[str, _Port]:
        refining = given.get(name)
        if refining is None and not self._removes(given, name):
            return ports
        if not isinstance(refining, dict):
            self.fault(f"/{name}", f"expected an object with a member for each id, got {_type_name(refining)}")
            return ports
        changed = dict(ports)
        for port_id, entry in refining.items():
            pointer = f"/{name}" + to_pointer([str(port_id)[:200]])
            if port_id not in ports:
                self.fault(pointer, f"the package has no such {name[:-1]}; it has {', '.join(ports)[:500] or 'none'}")
            elif not isinstance(entry, dict):
                self.fault(pointer, f"expected an object, got {_type_name(entry)}")
            else:
                changed[port_id] = self._port(ports[port_id], entry, pointer)
        return changed

    def _port(self, port: _Port, entry: JsonObject, pointer: str) -> _Port:
        if self._patch:
            self.only_known(entry, _PORT, pointer)
        if isinstance(entry.get("abstract"), str):
            entry = {"description": entry["abstract"]} | entry
        changes = self._head(entry, pointer)
        try:
            if isinstance(port, InputDescription) and not self._patch:
                changes |= _occurrences(port, entry)
            changes |= self._schema(port, entry)
        except Incompatible as error:
            self.fault(pointer + error.member, error.detail)
        return replace(port, **changes)

    def _schema(self, port: InputDescription | OutputDescription, entry: JsonObject) -> dict[str, Any]:
        """The change of the schema, if there is one. Raises: Incompatible."""
        given = _given_schema(entry)
        if given is None:
            if self._removes(entry, "schema"):
                raise Incompatible("/schema", "expected a schema, got null")
            return {}
        if isinstance(port, InputDescription) and port.repeatable:
            given = without_lists(given)
        schema = compatible_schema(port.schema, given)
        if "writeOnly" in port.schema:  # what the package keeps secret stays so
            schema["writeOnly"] = port.schema["writeOnly"]
        return {"schema": schema}


def _occurrences(port: InputDescription, entry: JsonObject) -> dict[str, Any]:
    """Source: inputDescription.yaml, minOccurs and maxOccurs.

    Raises: Incompatible, if the package takes fewer, or needs more.
    """
    most = max_occurs(entry.get("maxOccurs"), port.max_occurs)
    least = min_occurs(entry.get("minOccurs"), port.min_occurs)
    if least < port.min_occurs:
        raise Incompatible("/minOccurs", f"expected at least {port.min_occurs}, as in the package, got {least}")
    if port.max_occurs is not None and (most is None or most > port.max_occurs):
        got = "unbounded" if most is None else most
        raise Incompatible("/maxOccurs", f"expected at most {port.max_occurs}, as in the package, got {got}")
    if most is not None and least > most:
        raise Incompatible("/minOccurs", f"expected at most {most}, which is maxOccurs, got {least}")
    return {"min_occurs": least, "max_occurs": most}


def _given_schema(entry: JsonObject) -> JsonObject | None:
    """`schema`, or what the older members mean: `formats` are media types, `literalDataDomains` have a type.

    Raises: Incompatible.
    """
    schema = entry.get("schema")
    if schema is not None:
        if not isinstance(schema, dict):
            raise Incompatible("/schema", f"expected a JSON schema, got {_type_name(schema)}")
        return schema
    formats = entry.get("formats")
    if isinstance(formats, list) and formats:
        return _schema_of_formats(formats)
    return _schema_of_domains(entry.get("literalDataDomains") or entry.get("literalDataDomain"))


def _schema_of_formats(formats: list[Any]) -> JsonObject:
    media_types: list[str] = []
    for entry in formats:
        kind = entry.get("mediaType") or entry.get("mimeType") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or not kind:
            raise Incompatible("/formats", "expected a list of objects with a mediaType")
        media_types.append(kind)
    forms = [{"type": "string", "contentMediaType": kind} for kind in dict.fromkeys(media_types)]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def _schema_of_domains(domains: object) -> JsonObject | None:
    """None if they name no type that is known."""
    first = domains[0] if isinstance(domains, list) and domains else domains
    kind = first.get("dataType") if isinstance(first, dict) else None
    name = kind.get("name") if isinstance(kind, dict) else kind
    if isinstance(name, str) and name in _LITERALS:
        return {"type": _LITERALS[name]}
    return None


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), "something else")
