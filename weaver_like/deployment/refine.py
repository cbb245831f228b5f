"""An OGC process description beside a package, or a patch, refines what the package says of itself; it never contradicts it."""

from collections.abc import Mapping
from dataclasses import replace

from weaver_like.deployment.fit import Unfit, fitting_schema, max_occurs, without_lists
from weaver_like.domain.errors import Fault, InvalidInput, InvalidPackage
from weaver_like.domain.process import InputDescription, JobControl, OutputDescription, Process
from weaver_like.schemas.shape import to_pointer

_HEAD = ("title", "description", "keywords", "metadata")
_PORT = (*_HEAD, "schema")
_PATCH = (*_HEAD, "inputs", "outputs", "jobControlOptions", "version")
_LONGEST = 100_000
_HEAD_SCHEMA: dict = {
    "title": {"type": "string", "nullable": True},
    "description": {"type": "string", "nullable": True},
    "keywords": {"type": "array", "items": {"type": "string"}, "nullable": True},
    "metadata": {"type": "array", "items": {"type": "object"}, "nullable": True},
}
_PORTS_SCHEMA: dict = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": _HEAD_SCHEMA | {"schema": {"type": "object"}},
        "additionalProperties": False,
    },
}
#: As the API definition shows it.
PATCH_SCHEMA: dict = {
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


def refine(process: Process, description: dict, pointer: str = "") -> Process:
    """The process as an OGC description (process.yaml, or the older form with lists) tells it.

    pointer: of the description, for the faults. What a description has beyond that (links, outputTransmission, ...) says nothing here.
    Raises: InvalidPackage, naming what the package does not have or cannot take.
    """
    refiner = _Refiner(pointer)
    refined = refiner.process(process, _modern(description))
    if "version" in description:
        refined = replace(refined, version=refiner.text(description["version"], "/version") or refined.version)
    if refiner.faults:
        raise InvalidPackage(_said("The process description", refiner.faults), faults=refiner.faults)
    return refined


def patch(process: Process, document: object) -> Process:
    """A merge patch (RFC 7396) of a description; its `version` is left to the caller.

    Raises: InvalidInput, naming what is unknown, ill-typed or does not fit.
    """
    if not isinstance(document, dict):
        raise InvalidInput("The body is a merge patch: an object with the members that change is wanted.")
    refiner = _Refiner("", patch=True)
    refiner.only_known(document, _PATCH, "")
    refined = refiner.process(process, document)
    if "version" in document:
        refiner.text(document["version"], "/version")
    if refiner.faults:
        raise InvalidInput(_said("The patch", refiner.faults), faults=refiner.faults)
    return refined


def _said(what: str, faults: list[Fault]) -> str:
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return (
        f"{what} is not valid: "
        + "; ".join(f"{fault.pointer or '/'}: {fault.detail.rstrip('.')}" for fault in faults[:3])
        + more
        + "."
    )


def _modern(description: dict) -> dict:
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
        if len(self.faults) < 50:
            self.faults.append(Fault(self._pointer + pointer, detail))

    def only_known(self, document: Mapping[str, object], known: tuple[str, ...], pointer: str) -> None:
        for name in document:
            if name not in known:
                self.fault(pointer + to_pointer([str(name)[:200]]), f"this cannot be patched; {', '.join(known)} can")

    def process(self, process: Process, given: dict) -> Process:
        changes = self._head(given, "")
        changes["inputs"] = self._ports(process.inputs, given, "inputs")
        changes["outputs"] = self._ports(process.outputs, given, "outputs")
        if given.get("jobControlOptions") is not None:
            changes["job_control"] = self._job_control(given["jobControlOptions"]) or process.job_control
        elif self._patch and "jobControlOptions" in given:
            changes["job_control"] = tuple(JobControl)
        return replace(process, **changes)

    def text(self, value: object, pointer: str) -> str | None:
        if value is None or (isinstance(value, str) and len(value) <= _LONGEST):
            return value or None
        self.fault(
            pointer,
            f"{_type(value)} was got; a text is wanted"
            if not isinstance(value, str)
            else f"at most {_LONGEST} characters are taken",
        )
        return None

    def _head(self, given: dict, pointer: str) -> dict:
        """Changes of what processes, inputs and outputs have in common."""
        changes: dict = {}
        for name in ("title", "description"):
            if given.get(name) is not None or (self._patch and name in given):
                changes[name] = self.text(given[name], f"{pointer}/{name}")
        for name, kind, wanted in (("keywords", str, "a list of texts"), ("metadata", dict, "a list of objects")):
            value = given.get(name)
            if value is None:
                changes |= {name: ()} if self._patch and name in given else {}
            elif isinstance(value, list) and len(value) <= 1000 and all(isinstance(part, kind) for part in value):
                changes[name] = tuple(value)
            else:
                self.fault(f"{pointer}/{name}", f"{_type(value)} was got; {wanted} is wanted")
        return changes

    def _job_control(self, given: object) -> tuple[JobControl, ...]:
        known = [str(option) for option in JobControl]
        if not isinstance(given, list) or not all(option in known for option in given):
            self.fault("/jobControlOptions", f"a list of {', '.join(known)} is wanted")
        elif not {"sync-execute", "async-execute"} & set(given):
            self.fault(
                "/jobControlOptions",
                "sync-execute or async-execute, or both, is wanted: the process could not be executed",
            )
        else:
            return tuple(JobControl(option) for option in dict.fromkeys(given))
        return ()

    def _ports(self, ports: dict, given: dict, name: str) -> dict:
        wanted = given.get(name)
        if wanted is None and not (self._patch and name in given):
            return ports
        if not isinstance(wanted, dict):
            self.fault(f"/{name}", f"{_type(wanted)} was got; an object is wanted, with a member for each id")
            return ports
        changed = dict(ports)
        for port_id, entry in wanted.items():
            pointer = f"/{name}" + to_pointer([str(port_id)[:200]])
            if port_id not in ports:
                self.fault(pointer, f"the package has no such {name[:-1]}; it has {', '.join(ports)[:500] or 'none'}")
            elif not isinstance(entry, dict):
                self.fault(pointer, f"{_type(entry)} was got; an object is wanted")
            else:
                changed[port_id] = self._port(ports[port_id], entry, pointer)
        return changed

    def _port(
        self, port: InputDescription | OutputDescription, entry: dict, pointer: str
    ) -> InputDescription | OutputDescription:
        if self._patch:
            self.only_known(entry, _PORT, pointer)
        if isinstance(entry.get("abstract"), str):
            entry = {"description": entry["abstract"]} | entry
        changes = self._head(entry, pointer)
        try:
            if isinstance(port, InputDescription) and not self._patch:
                changes |= _occurrences(port, entry)
            wanted = _wanted_schema(entry)
            if wanted is not None:
                repeatable = isinstance(port, InputDescription) and port.repeatable
                changes["schema"] = fitting_schema(port.schema, without_lists(wanted) if repeatable else wanted)
            elif self._patch and "schema" in entry:
                raise Unfit("/schema", "null was got; a schema is wanted")
        except Unfit as error:
            self.fault(pointer + error.member, error.detail)
        return replace(port, **changes)


def _occurrences(port: InputDescription, entry: dict) -> dict:
    """Source: inputDescription.yaml, minOccurs and maxOccurs. Raises: Unfit, if the package takes fewer, or needs more."""
    least, most = entry.get("minOccurs"), max_occurs(entry.get("maxOccurs"), port.max_occurs)
    if isinstance(least, str) and least.isascii() and least.isdigit() and len(least) < 10:
        least = int(least)  # the older form writes numbers as texts
    if least is None:
        least = port.min_occurs
    if isinstance(least, bool) or not isinstance(least, int) or not 0 <= least < 2**31:
        raise Unfit("/minOccurs", "a whole number, 0 or more, is wanted")
    if least < port.min_occurs:
        raise Unfit("/minOccurs", f"{least} was got; the package needs at least {port.min_occurs}")
    if port.max_occurs is not None and (most is None or most > port.max_occurs):
        raise Unfit(
            "/maxOccurs",
            f"{'unbounded' if most is None else most} was got; the package takes at most {port.max_occurs}",
        )
    if most is not None and least > most:
        raise Unfit("/minOccurs", f"{least} was got, and maxOccurs is {most}")
    return {"min_occurs": least, "max_occurs": most}


def _wanted_schema(entry: dict) -> dict | None:
    """`schema`, or what the older members mean: `formats` are media types, `literalDataDomains` have a type."""
    schema = entry.get("schema")
    if schema is not None:
        if not isinstance(schema, dict):
            raise Unfit("/schema", f"{_type(schema)} was got; a JSON schema is wanted")
        return schema
    formats = entry.get("formats")
    if isinstance(formats, list) and formats:
        kinds = [form.get("mediaType") or form.get("mimeType") if isinstance(form, dict) else None for form in formats]
        if not all(isinstance(kind, str) and kind for kind in kinds):
            raise Unfit("/formats", "a list of objects with a mediaType is wanted")
        forms = [{"type": "string", "contentMediaType": kind} for kind in dict.fromkeys(kinds)]
        return forms[0] if len(forms) == 1 else {"oneOf": forms}
    domains = entry.get("literalDataDomains") or entry.get("literalDataDomain")
    first = domains[0] if isinstance(domains, list) and domains else domains
    kind = first.get("dataType") if isinstance(first, dict) else None
    name = kind.get("name") if isinstance(kind, dict) else kind
    known = {
        "integer": "integer",
        "int": "integer",
        "float": "number",
        "double": "number",
        "number": "number",
        "boolean": "boolean",
        "string": "string",
    }
    return {"type": known[name]} if isinstance(name, str) and name in known else None


def _type(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names.get(type(value), "something else")
