"""OGC application packages: the description and the execution units in them.

Source: OGC 20-044, ogcapppkg.yaml, executionUnit.yaml, /req/cwl/execution-unit, /req/docker/execution-unit; `unit` is an older form.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from weaver_like.deployment.container import container_tool
from weaver_like.deployment.request import CWL_TYPES, PLAIN_TYPES
from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.formats import essence
from weaver_like.domain.ids import is_process_id
from weaver_like.schemas.jsontext import dumps

_MOST_UNITS = 50
_CONTAINERS = ("docker", "oci")
_DOCKER_PROFILE = "dockerizedApplication"
#: Last parts of deployment profiles that others know and that are no CWL.
_FOREIGN_PROFILES = ("wpsApplication", "ogcapiApplication", "builtin", "esgfApplication")


@dataclass(frozen=True, slots=True)
class Unit:
    """An execution unit in CWL: at hand (content), or to be had (href). name: of its file.  pointer: where it stands."""

    name: str
    pointer: str
    content: bytes = b""
    href: str = ""
    workflow: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationPackage:
    """pointer: of the description."""

    units: tuple[Unit, ...]
    description: dict = field(default_factory=dict)
    pointer: str = ""

    @property
    def main(self) -> Unit:
        """The unit to start from: the workflow, of which the others are steps, or the first one."""
        return next((unit for unit in self.units if unit.workflow), self.units[0])


def read_package(document: dict, folders: Sequence[str] = ()) -> ApplicationPackage:
    """An OGC application package. folders: images that are folders here, without an entry point. Raises: InvalidPackage."""
    description, pointer = _description(document)
    _check_profile(document)
    given = document.get("executionUnit")
    several = isinstance(given, list)
    entries = given if several else [given]
    if given is None or not entries:
        raise _invalid("/executionUnit", "nothing was got; CWL by `value` or `href` is wanted, or a list of such")
    if len(entries) > _MOST_UNITS:
        raise _invalid("/executionUnit", f"{len(entries)} execution units were got; at most {_MOST_UNITS} are taken")
    units: list[Unit] = []
    for number, entry in enumerate(entries):
        place = f"/executionUnit/{number}" if several else "/executionUnit"
        units.append(_unit(entry, place, description, document, {unit.name for unit in units}))
        if entry.get("type") in _CONTAINERS and entry.get("command") is None and entry.get("image") in folders:
            raise _invalid(
                f"{place}/command",
                f"nothing was got; '{entry['image']}' is a folder here, which has no entry point: the command to run is wanted",
            )
    return ApplicationPackage(tuple(units), description, pointer)


def _invalid(pointer: str, detail: str) -> InvalidPackage:
    return InvalidPackage(
        f"The application package is not valid: {pointer}: {detail}.", faults=[Fault(pointer, detail)]
    )


def _description(document: dict) -> tuple[dict, str]:
    given, pointer = document.get("processDescription"), "/processDescription"
    if isinstance(given, dict) and given.get("process") is not None:
        given, pointer = given["process"], "/processDescription/process"
    if given is None:
        return {}, pointer
    if not isinstance(given, dict):
        raise _invalid(pointer, "a process description is wanted, an object with `id`, `inputs`, `outputs`")
    if "href" in given and "id" not in given:
        raise _invalid(
            f"{pointer}/href",
            "the description of a process elsewhere makes no process here; an executionUnit with CWL is wanted",
        )
    if given.get("id") is not None and not isinstance(given["id"], str):
        raise _invalid(f"{pointer}/id", "a text is wanted")
    return given, pointer


def _check_profile(document: dict) -> None:
    """Source: /req/ogcapppkg/profile-docker."""
    for name in ("deploymentProfile", "deploymentProfileName"):
        profile = document.get(name)
        if profile is None:
            continue
        if not isinstance(profile, str):
            raise _invalid(f"/{name}", "a text is wanted")
        kind = profile.rstrip("/").rpartition("/")[2]
        if kind in _FOREIGN_PROFILES:
            raise _invalid(
                f"/{name}",
                f"'{profile[:200]}' was got; workflows and applications in CWL, and containers, can be deployed",
            )
        units = document.get("executionUnit")
        types = {
            unit.get("type")
            for unit in (units if isinstance(units, list) else [units])
            if isinstance(unit, dict) and isinstance(unit.get("type"), str)
        }
        if types & set(_CONTAINERS) and kind != _DOCKER_PROFILE:
            raise _invalid(
                f"/{name}",
                f"'{profile[:200]}' was got; for a container image http://www.opengis.net/profiles/eoc/{_DOCKER_PROFILE} is wanted",
            )


def _unit(entry: object, pointer: str, description: dict, document: dict, taken: set[str]) -> Unit:
    if not isinstance(entry, dict):
        raise _invalid(
            pointer, "an object with `value` and `mediaType`, `href` and `type`, or `type` docker and `image` is wanted"
        )
    if entry.get("href") is not None:
        return _linked(entry, pointer, taken)
    if entry.get("type") in _CONTAINERS:
        tool = container_tool(entry, description, pointer)
        return Unit(_free("container.cwl", taken), pointer, dumps(tool))
    for name in ("value", "unit"):
        if entry.get(name) is not None:
            return _given(entry, entry[name], f"{pointer}/{name}", taken)
    if "cwlVersion" in entry or "class" in entry:
        return _given({}, entry, pointer, taken)
    raise _invalid(
        pointer,
        f"members {', '.join(entry)[:200] or 'none'} were got; `value` and `mediaType`, `href` and `type`, "
        "or `type` docker and `image` are wanted",
    )


def _given(entry: dict, value: object, pointer: str, taken: set[str]) -> Unit:
    kind = entry.get("mediaType") or entry.get("type") or CWL_TYPES[1]
    _check_kind(kind, pointer.rpartition("/")[0] + "/mediaType")
    if isinstance(value, str):
        return Unit(_free("unit.cwl", taken), pointer, value.encode("utf-8", "replace"))
    if not isinstance(value, dict):
        raise _invalid(pointer, "CWL is wanted, as an object or as a text")
    own = str(value.get("id") or "").rpartition("#")[2]
    name = f"{own.removesuffix('.cwl')}.cwl" if is_process_id(own) else "unit.cwl"
    return Unit(_free(name, taken), pointer, dumps(value), workflow=value.get("class") == "Workflow")


def _linked(entry: dict, pointer: str, taken: set[str]) -> Unit:
    if not isinstance(entry["href"], str) or not 0 < len(entry["href"]) <= 2000:
        raise _invalid(f"{pointer}/href", "a URL is wanted")
    _check_kind(entry.get("type") or CWL_TYPES[0], f"{pointer}/type")
    return Unit(_free("unit.cwl", taken), pointer, href=entry["href"])


def _check_kind(kind: object, pointer: str) -> None:
    if not isinstance(kind, str) or essence(kind) not in (*CWL_TYPES, *PLAIN_TYPES):
        raise _invalid(
            pointer,
            f"'{str(kind)[:100]}' was got; application/cwl, application/cwl+json or application/cwl+yaml is wanted",
        )


def _free(name: str, taken: set[str]) -> str:
    stem, number = name.removesuffix(".cwl"), 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.cwl"
    return name
