"""OGC application packages: the description and the execution units in them.

Source: OGC 20-044, ogcapppkg.yaml, executionUnit.yaml, /req/cwl/execution-unit, /req/docker/execution-unit; `unit` is
an older form.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from weaver_like.deployment.documents import PLAIN_TYPES, Description
from weaver_like.deployment.reader import PackageReader, Readers
from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.formats import essence
from weaver_like.domain.ids import is_process_id
from weaver_like.sandbox.images import find_folder
from weaver_like.schemas.jsontext import JsonObject, dumps

#: Types of execution units that are container images.
CONTAINERS = ("docker", "oci")
_MOST_UNITS = 50
#: Members of an application package, and of its execution units by the member that tells their kind.
_KNOWN = ("processDescription", "executionUnit", "deploymentProfile", "deploymentProfileName", "immediateDeployment")
_LINK = ("href", "type", "rel", "title", "hreflang", "length")
_QUALIFIED = ("mediaType", "type", "encoding", "format", "schema")
_OF_CONTAINERS = ("image", "command", "config", "bindings", "deployment")
_OF_UNITS = (
    ("href", _LINK),
    ("image", ("type", *_OF_CONTAINERS)),
    ("value", ("value", *_QUALIFIED)),
    ("unit", ("unit", *_QUALIFIED)),
)
_LONGEST_URL = 2000
_DOCKER_PROFILE = "dockerizedApplication"
#: Last parts of deployment profiles that others know, and that nothing here can run.
_FOREIGN_PROFILES = ("wpsApplication", "ogcapiApplication", "builtin", "esgfApplication")


@dataclass(frozen=True, slots=True)
class Unit:
    """An execution unit: at hand (content), or to be fetched (href).

    Args:
        name: of its file.
        pointer: where it stands in the application package.
        entry: of the document, that is meant; empty: the client did not say.
        is_workflow: the other units are its steps.
    """

    reader: PackageReader
    name: str
    pointer: str
    content: bytes = b""
    href: str = ""
    entry: str = ""
    is_workflow: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationPackage:
    """What an OGC application package holds.

    warnings: on members that nobody here understands.
    """

    units: tuple[Unit, ...]
    description: Description = Description()
    warnings: tuple[str, ...] = ()

    @property
    def main(self) -> Unit:
        """The unit to start from: the workflow that the others are steps of, or the first one."""
        return next((unit for unit in self.units if unit.is_workflow), self.units[0])


def read_package(document: JsonObject, readers: Readers, image_folders: Mapping[str, str]) -> ApplicationPackage:
    """An OGC application package.

    image_folders: image -> local folder, which has no entry point. Raises: InvalidPackage.
    """
    description = _description(document)
    _check_profiles(document)
    given = document.get("executionUnit")
    several = isinstance(given, list)
    entries = given if isinstance(given, list) else [given]
    if given is None or not entries:
        raise _invalid(
            "/executionUnit", "expected an execution unit with `value` or `href`, or a list of them, got none"
        )
    if len(entries) > _MOST_UNITS:
        raise _invalid("/executionUnit", f"expected at most {_MOST_UNITS} execution units, got {len(entries)}")
    unit_reader = _UnitReader(readers, description.members)
    for number, entry in enumerate(entries):
        place = f"/executionUnit/{number}" if several else "/executionUnit"
        unit_reader.add(entry, place)
        _check_command(entry, image_folders, place)
    package = ApplicationPackage(tuple(unit_reader.units), description)
    for unit in package.units:
        if unit.entry and unit is not package.main:
            raise _invalid(f"{unit.pointer}/href", "expected no fragment, which chooses of the document to start from")
    unknown = [f"/{name}: this is not understood, and has no effect." for name in document if name not in _KNOWN]
    return replace(package, warnings=(*unknown, *unit_reader.warnings))


def _invalid(pointer: str, detail: str) -> InvalidPackage:
    return InvalidPackage(
        f"The application package is not valid: {pointer}: {detail}.", faults=[Fault(pointer, detail)]
    )


def _description(document: JsonObject) -> Description:
    """The process description, empty if there is none; what stands beside its `process` belongs to it."""
    given, pointer = document.get("processDescription"), "/processDescription"
    beside: JsonObject = {}
    if isinstance(given, dict) and given.get("process") is not None:
        beside = {name: value for name, value in given.items() if name != "process"}
        given, pointer = given["process"], "/processDescription/process"
    if given is None:
        return Description({}, pointer)
    if not isinstance(given, dict):
        raise _invalid(pointer, "expected a process description: an object with `id`, `inputs`, `outputs`")
    if "href" in given and "id" not in given:
        raise _invalid(
            f"{pointer}/href",
            "a link to a process elsewhere does not make a process here; expected an executionUnit to run",
        )
    if given.get("id") is not None and not isinstance(given["id"], str):
        raise _invalid(f"{pointer}/id", "expected a text")
    for name in beside:
        if given.get(name, beside[name]) != beside[name]:
            raise _invalid(f"/processDescription/{name}", f"expected the same as in {pointer}/{name}, or none")
    return Description(beside | given, pointer, frozenset(beside) - frozenset(given))


def _check_profiles(document: JsonObject) -> None:
    """Source: /req/ogcapppkg/profile-docker."""
    for name in ("deploymentProfile", "deploymentProfileName"):
        profile = document.get(name)
        if profile is None:
            continue
        if not isinstance(profile, str):
            raise _invalid(f"/{name}", "expected a text")
        kind = profile.rstrip("/").rpartition("/")[2]
        if kind in _FOREIGN_PROFILES:
            raise _invalid(
                f"/{name}",
                f"expected the profile of a workflow or application in CWL, or of a container, got '{profile[:200]}'",
            )
        if kind != _DOCKER_PROFILE and _holds_container(document):
            raise _invalid(
                f"/{name}",
                f"expected http://www.opengis.net/profiles/eoc/{_DOCKER_PROFILE} for a container image, got "
                f"'{profile[:200]}'",
            )


def _holds_container(document: JsonObject) -> bool:
    units = document.get("executionUnit")
    entries = units if isinstance(units, list) else [units]
    return any(isinstance(entry, dict) and entry.get("type") in CONTAINERS for entry in entries)


def _check_command(entry: JsonObject, image_folders: Mapping[str, str], pointer: str) -> None:
    if entry.get("type") not in CONTAINERS or entry.get("command") is not None:
        return
    if find_folder(image_folders, str(entry.get("image") or "")):
        raise _invalid(
            f"{pointer}/command",
            f"expected the command to run: '{entry['image']}' is a folder here, which has no entry point",
        )


def _decoded(value: str, encoding: object, pointer: str) -> bytes:
    """A document by value. Source: qualifiedValue.yaml, `encoding`."""
    if encoding != "base64":
        return value.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid(pointer, f"expected base64, as `encoding` says: {error}") from error


class _UnitReader:
    """Reads the units of one package; each gets a name of its own."""

    def __init__(self, readers: Readers, description: JsonObject):
        self.units: list[Unit] = []
        self.warnings: list[str] = []
        self._readers = readers
        self._description = description

    def add(self, entry: object, pointer: str) -> None:
        """Raises: InvalidPackage."""
        if not isinstance(entry, dict):
            raise _invalid(
                pointer,
                "expected an object with `value` and `mediaType`, `href` and `type`, or `type` docker and `image`",
            )
        self.units.append(self._read(entry, pointer))
        known = next((names for mark, names in _OF_UNITS if entry.get(mark) is not None), tuple(entry))
        for name in entry:
            if name in _OF_CONTAINERS and name not in known:
                raise _invalid(f"{pointer}/{name}", "this is for containers; a document of CWL says it itself")
            if name not in known:
                self.warnings.append(f"{pointer}/{name}: this is not understood, and has no effect.")

    def _read(self, entry: JsonObject, pointer: str) -> Unit:
        if entry.get("href") is not None:
            return self._linked(entry, pointer)
        for reader in self._readers:
            document = reader.translate(entry, self._description, pointer)
            if document is not None:
                return Unit(reader, self._free(f"container{reader.extension}"), pointer, dumps(document))
        for name in ("value", "unit"):
            if entry.get(name) is not None:
                return self._given(entry, entry[name], f"{pointer}/{name}")
        if any(reader.recognizes(entry) for reader in self._readers):
            return self._given({}, entry, pointer)
        raise _invalid(
            pointer,
            "expected `value` and `mediaType`, `href` and `type`, or `type` docker and `image`, "
            f"got the members {', '.join(entry)[:200] or 'none'}",
        )

    def _given(self, entry: JsonObject, value: object, pointer: str) -> Unit:
        kind = entry.get("mediaType") or entry.get("type") or PLAIN_TYPES[0]
        reader = self._reader(kind, pointer.rpartition("/")[0] + "/mediaType", value)
        if isinstance(value, str):
            content = _decoded(value, entry.get("encoding"), pointer)
            return Unit(reader, self._free(f"unit{reader.extension}"), pointer, content)
        if not isinstance(value, dict):
            raise _invalid(pointer, "expected a document, as an object or as a text")
        own_name = str(value.get("id") or "").rpartition("#")[2].removesuffix(reader.extension)
        stem = own_name if is_process_id(own_name) else "unit"
        name = self._free(f"{stem}{reader.extension}")
        return Unit(reader, name, pointer, dumps(value), is_workflow=reader.is_workflow(value))

    def _linked(self, entry: JsonObject, pointer: str) -> Unit:
        given = entry["href"]
        href, _, fragment = given.partition("#") if isinstance(given, str) else ("", "", "")
        if not 0 < len(href) <= _LONGEST_URL:
            raise _invalid(f"{pointer}/href", "expected a URL")
        reader = self._reader(entry.get("type") or PLAIN_TYPES[0], f"{pointer}/type")
        return Unit(reader, self._free(f"unit{reader.extension}"), pointer, href=href, entry=unquote(fragment))

    def _reader(self, kind: object, pointer: str, document: object = None) -> PackageReader:
        known = self._readers.media_types
        if not isinstance(kind, str) or essence(kind) not in (*known, *PLAIN_TYPES):
            raise _invalid(pointer, f"expected one of {', '.join(known)}, got '{str(kind)[:100]}'")
        return self._readers.choose(essence(kind), document)

    def _free(self, name: str) -> str:
        """The name, or one like it that no other unit has."""
        taken = {unit.name for unit in self.units}
        stem, dot, extension = name.rpartition(".")
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}{dot}{extension}"
        return name
