"""OGC application packages: the description and the execution units in them.

Source: OGC 20-044, ogcapppkg.yaml, executionUnit.yaml, /req/cwl/execution-unit, /req/docker/execution-unit; `unit` is
an older form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from weaver_like.deployment.documents import PLAIN_TYPES
from weaver_like.deployment.reader import PackageReader, Readers
from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.formats import essence
from weaver_like.domain.ids import is_process_id
from weaver_like.sandbox.images import find_folder
from weaver_like.schemas.jsontext import JsonObject, dumps

#: Types of execution units that are container images.
CONTAINERS = ("docker", "oci")
_MOST_UNITS = 50
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
        is_workflow: the other units are its steps.
    """

    reader: PackageReader
    name: str
    pointer: str
    content: bytes = b""
    href: str = ""
    is_workflow: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationPackage:
    """pointer: of the description."""

    units: tuple[Unit, ...]
    description: JsonObject = field(default_factory=dict)
    pointer: str = ""

    @property
    def main(self) -> Unit:
        """The unit to start from: the workflow that the others are steps of, or the first one."""
        return next((unit for unit in self.units if unit.is_workflow), self.units[0])


def read_package(document: JsonObject, readers: Readers, image_folders: Mapping[str, str]) -> ApplicationPackage:
    """An OGC application package.

    image_folders: image -> local folder, which has no entry point. Raises: InvalidPackage.
    """
    description, pointer = _description(document)
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
    unit_reader = _UnitReader(readers, description)
    for number, entry in enumerate(entries):
        place = f"/executionUnit/{number}" if several else "/executionUnit"
        unit_reader.add(entry, place)
        _check_command(entry, image_folders, place)
    return ApplicationPackage(tuple(unit_reader.units), description, pointer)


def _invalid(pointer: str, detail: str) -> InvalidPackage:
    return InvalidPackage(
        f"The application package is not valid: {pointer}: {detail}.", faults=[Fault(pointer, detail)]
    )


def _description(document: JsonObject) -> tuple[JsonObject, str]:
    """The process description, empty if there is none, and where it stands."""
    given, pointer = document.get("processDescription"), "/processDescription"
    if isinstance(given, dict) and given.get("process") is not None:
        given, pointer = given["process"], "/processDescription/process"
    if given is None:
        return {}, pointer
    if not isinstance(given, dict):
        raise _invalid(pointer, "expected a process description: an object with `id`, `inputs`, `outputs`")
    if "href" in given and "id" not in given:
        raise _invalid(
            f"{pointer}/href",
            "a link to a process elsewhere does not make a process here; expected an executionUnit to run",
        )
    if given.get("id") is not None and not isinstance(given["id"], str):
        raise _invalid(f"{pointer}/id", "expected a text")
    return given, pointer


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


class _UnitReader:
    """Reads the units of one package; each gets a name of its own."""

    def __init__(self, readers: Readers, description: JsonObject):
        self.units: list[Unit] = []
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
            return Unit(reader, self._free(f"unit{reader.extension}"), pointer, value.encode("utf-8", "replace"))
        if not isinstance(value, dict):
            raise _invalid(pointer, "expected a document, as an object or as a text")
        own_name = str(value.get("id") or "").rpartition("#")[2].removesuffix(reader.extension)
        stem = own_name if is_process_id(own_name) else "unit"
        name = self._free(f"{stem}{reader.extension}")
        return Unit(reader, name, pointer, dumps(value), is_workflow=reader.is_workflow(value))

    def _linked(self, entry: JsonObject, pointer: str) -> Unit:
        href = entry["href"]
        if not isinstance(href, str) or not 0 < len(href) <= _LONGEST_URL:
            raise _invalid(f"{pointer}/href", "expected a URL")
        reader = self._reader(entry.get("type") or PLAIN_TYPES[0], f"{pointer}/type")
        return Unit(reader, self._free(f"unit{reader.extension}"), pointer, href=href)

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
