"""An OGC process description, or a patch, refines what a package says of itself; it never contradicts it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from weaver_like.deployment.compatible import Incompatible, compatible_schema
from weaver_like.deployment.documents import Description
from weaver_like.deployment.occurrences import default_of, occurrences, split_lists
from weaver_like.deployment.older import modern, modern_port, schema_of
from weaver_like.domain.errors import Fault, InvalidInput, InvalidPackage
from weaver_like.domain.process import InputDescription, JobControl, OutputDescription, Process, Transmission
from weaver_like.schemas.inputs import parse_inputs
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import to_pointer
from weaver_like.schemas.validators import InputValidator

_HEAD = ("title", "description", "keywords", "metadata", "additionalParameters")
_PORT = (*_HEAD, "schema")
_PATCH = (*_HEAD, "inputs", "outputs", "jobControlOptions", "version")
#: What a description may have; everything else is told in a warning.
_OF_PROCESSES = (
    *_HEAD,
    *("id", "version", "processVersion", "jobControlOptions", "outputTransmission", "inputs", "outputs", "links"),
)
_OF_OUTPUTS = (*_HEAD, "id", "schema", "formats", "literalDataDomains")
_OF_INPUTS = (*_OF_OUTPUTS, "minOccurs", "maxOccurs", "minItems", "maxItems", "default", "valuePassing")
#: Relations of links to places of the server that a description came from; here there are others.
_OF_SERVERS = ("self", "alternate", "up", "service", "profile", "collection", "canonical", "monitor", "package")
_VERSIONS = ("version-history", "latest-version", "predecessor-version", "successor-version")
_OGC_RELATION = "opengis.net/def/rel/"
_LONGEST = 100_000
_MOST_ITEMS = 1000
_MOST_FAULTS = 50
_HEAD_SCHEMA: JsonObject = {
    "title": {"type": "string", "nullable": True},
    "description": {"type": "string", "nullable": True},
    "keywords": {"type": "array", "items": {"type": "string"}, "nullable": True},
    "metadata": {"type": "array", "items": {"type": "object"}, "nullable": True},
    "additionalParameters": {"type": "object", "nullable": True},
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


@dataclass(frozen=True, slots=True)
class Refined:
    """A process as a description tells it. warnings: on what the description says without effect."""

    process: Process
    warnings: tuple[str, ...] = ()


def refine(process: Process, description: Description) -> Refined:
    """The process as an OGC description (process.yaml, or the older form with lists) tells it.

    Raises: InvalidPackage, naming what the package does not have or cannot take.
    """
    refiner = _Refiner(description)
    given = modern(description.members)
    refined = refiner.process(process, given)
    refined = replace(refined, **refiner.rest(given))
    refiner.check_defaults(refined)
    if refiner.faults:
        raise InvalidPackage(_message("The process description", refiner.faults), faults=refiner.faults)
    return Refined(refined, tuple(refiner.warnings))


def patch(process: Process, document: object) -> Process:
    """A merge patch (RFC 7396) of a description; its `version` is left to the caller.

    Raises: InvalidInput, naming what is unknown, ill-typed or does not fit.
    """
    if not isinstance(document, dict):
        raise InvalidInput("The body is a merge patch: expected an object with the members that change.")
    refiner = _Refiner(Description(), patch=True)
    refiner.only_known(document, _PATCH, "")
    refined = refiner.process(process, document)
    if "version" in document:
        refiner.text(document["version"], "/version")
    refiner.check_defaults(refined)
    if refiner.faults:
        raise InvalidInput(_message("The patch", refiner.faults), faults=refiner.faults)
    return refined


def _message(what: str, faults: Sequence[Fault]) -> str:
    """The first faults in one sentence."""
    first = "; ".join(f"{fault.pointer or '/'}: {fault.detail.rstrip('.')}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return f"{what} is not valid: {first}{more}."


class _Refiner:
    """Collects the faults of one document. patch: members that are null go, and unknown ones are faults."""

    def __init__(self, description: Description, patch: bool = False):
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self._description = description
        self._patch = patch

    def fault(self, pointer: str, detail: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(self._description.place(pointer), detail))

    def warn(self, pointer: str, text: str) -> None:
        if len(self.warnings) < _MOST_FAULTS:
            self.warnings.append(f"{self._description.place(pointer)}: {text}.")

    def tell_unknown(self, document: Mapping[str, object], known: tuple[str, ...], pointer: str) -> None:
        for name in document:
            if name not in known:
                self.warn(pointer + to_pointer([str(name)[:200]]), "this is not understood, and has no effect")

    def only_known(self, document: Mapping[str, object], known: tuple[str, ...], pointer: str) -> None:
        for name in document:
            if name not in known:
                self.fault(pointer + to_pointer([str(name)[:200]]), f"this cannot be patched; {', '.join(known)} can")

    def process(self, process: Process, given: JsonObject) -> Process:
        changes = self._head(process, given, "")
        changes["inputs"] = self._ports(process.inputs, given, "inputs")
        changes["outputs"] = self._ports(process.outputs, given, "outputs")
        if given.get("jobControlOptions") is not None:
            changes["job_control"] = self._job_control(given["jobControlOptions"]) or process.job_control
        elif self._removes(given, "jobControlOptions"):
            changes["job_control"] = tuple(JobControl)
        return replace(process, **changes)

    def rest(self, given: JsonObject) -> dict[str, Any]:
        """Changes by what a patch does not have: the version, links, how outputs are transmitted."""
        self.tell_unknown(given, _OF_PROCESSES, "")
        versions = {name: self.text(given.get(name), f"/{name}") for name in ("version", "processVersion")}
        version, other = versions.values()
        if version and other and version != other:
            self.fault("/processVersion", f"expected '{version}', as in version, or none, got '{other[:100]}'")
        changes: dict[str, Any] = {"links": self._links(given.get("links"))}
        if version or other:
            changes["version"] = version or other
        if given.get("outputTransmission") is not None:
            changes["output_transmission"] = self._transmission(given["outputTransmission"])
        return changes

    def check_defaults(self, process: Process) -> None:
        """A default of a description is put where a request leaves an input out, so it must be fit for that."""
        for name, port in process.inputs.items():
            if port.default is None or self.faults:
                continue
            given = parse_inputs({name: port.default}, process)[name]
            validator = InputValidator(port)
            found = [*validator.count_faults(given, "")]
            found += [fault for item in given.items for fault in validator.faults(item, "")]
            if found:
                pointer = "/inputs" + to_pointer([name]) + "/schema/default"
                self.fault(pointer, f"expected a value that the schema allows: {found[0].detail}")

    def _transmission(self, given: object) -> tuple[Transmission, ...]:
        known = [str(mode) for mode in Transmission]
        if not isinstance(given, list) or not given or not all(mode in known for mode in given):
            self.fault("/outputTransmission", f"expected a list of {', '.join(known)}")
            return tuple(Transmission)
        return tuple(mode for mode in Transmission if mode in given)

    def _links(self, given: object) -> tuple[JsonObject, ...]:
        """Links of the author. Those of the server where the description was are left out: they would lead astray."""
        if given is None:
            return ()
        if not isinstance(given, list) or not all(isinstance(link, dict) for link in given):
            self.fault("/links", "expected a list of links")
            return ()
        kept = []
        for number, link in enumerate(given[:_MOST_ITEMS]):
            relation = str(link.get("rel") or "related")
            if not isinstance(link.get("href"), str) or not all(isinstance(part, (str, int)) for part in link.values()):
                self.fault(f"/links/{number}", "expected an object with `href` and `rel`")
            elif relation in (*_OF_SERVERS, *_VERSIONS) or _OGC_RELATION in relation:
                self.warn(
                    f"/links/{number}", f"a link of the server where the description was ({relation}) is left out"
                )
            else:
                kept.append({"href": link["href"], "rel": relation} | link)
        return tuple(kept)

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

    def _head(
        self, described: Process | InputDescription | OutputDescription, given: JsonObject, pointer: str
    ) -> dict[str, Any]:
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
        if given.get("additionalParameters") is not None or self._removes(given, "additionalParameters"):
            first, further = self._additional(given["additionalParameters"], f"{pointer}/additionalParameters")
            changes["additional_parameters"] = first
            if further:
                changes["metadata"] = (*changes.get("metadata", described.metadata), *further)
        return changes

    def _additional(self, given: object, pointer: str) -> tuple[JsonObject | None, list[JsonObject]]:
        """`additionalParameters`, and what there is no room for in them, as metadata.

        Source: edition 1.0, descriptionType.yaml; the older form is a list, each with a role of its own. Edition 2.0
        has metadata for all of it.
        """
        if given is None:
            return None, []
        listed = given if isinstance(given, list) else [given]
        entries: list[JsonObject] = [entry for entry in listed if isinstance(entry, dict)]
        if len(entries) != len(listed) or len(listed) > _MOST_ITEMS:
            self.fault(pointer, f"expected an object with parameters, got {_type_name(given)}")
            return None, []
        parsed = [entry | {"parameters": self._parameters(entry.get("parameters"), pointer)} for entry in entries]
        further = [
            {name: value for name, value in entry.items() if name != "parameters"}
            | {"value": {"parameters": entry["parameters"]}}
            for entry in parsed[1:]
        ]
        return (parsed[0] if parsed else None), further

    def _parameters(self, given: object, pointer: str) -> list[JsonObject]:
        """Each with a `name` and the list of its values. Source: additionalParameter.yaml; older ones say `values`."""
        if not isinstance(given, list) or not all(isinstance(one, dict) and "name" in one for one in given):
            self.fault(f"{pointer}/parameters", "expected a list of objects with `name` and `value`")
            return []
        found = []
        for one in given:
            values = one.get("value", one.get("values", []))
            rest = {name: value for name, value in one.items() if name != "values"}
            found.append(rest | {"value": values if isinstance(values, list) else [values]})
        return found

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
        else:
            entry = modern_port(entry)
            self.tell_unknown(entry, _OF_INPUTS if isinstance(port, InputDescription) else _OF_OUTPUTS, pointer)
        changes = self._head(port, entry, pointer)
        try:
            given = self._given_schema(entry, pointer)
            if isinstance(port, InputDescription):
                changes |= self._input(port, entry, given)
            elif given is not None:
                changes["schema"] = compatible_schema(port.schema, given)
        except Incompatible as error:
            self.fault(pointer + error.member, error.detail)
        return replace(port, **changes)

    def _input(self, port: InputDescription, entry: JsonObject, given: JsonObject | None) -> dict[str, Any]:
        """Changes of an input alone. given: its schema. Raises: Incompatible."""
        one, whole = split_lists(port, given or {})
        default = default_of(port, entry, one, whole)
        changes = occurrences(port, {} if self._patch else entry, whole, default)
        if default is not None:
            one, changes["default"] = one | {"default": default}, default
        if entry.get("valuePassing") not in (None, ["byValue", "byReference"], ["byReference", "byValue"]):
            raise Incompatible("/valuePassing", "expected byValue and byReference, for inputs are taken in both ways")
        if one:
            changes["schema"] = compatible_schema(port.schema, one)
            if "writeOnly" in port.schema:  # what the package keeps secret stays so
                changes["schema"] |= {"writeOnly": port.schema["writeOnly"]}
        return changes

    def _given_schema(self, entry: JsonObject, pointer: str) -> JsonObject | None:
        """`schema`, or what the older members mean; None if there is none. Raises: Incompatible."""
        schema = entry.get("schema")
        if schema is None:
            if self._removes(entry, "schema"):
                raise Incompatible("/schema", "expected a schema, got null")
            return None if self._patch else schema_of(entry)
        if not isinstance(schema, dict):
            raise Incompatible("/schema", f"expected a JSON schema, got {_type_name(schema)}")
        for name in ("formats", "literalDataDomains"):
            if entry.get(name):
                self.warn(f"{pointer}/{name}", "`schema` says it already, and counts")
        return schema


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), "something else")
