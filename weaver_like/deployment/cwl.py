"""The reader of packages in CWL.

Source: OGC 20-044 (OGC API - Processes - Part 2), requirements classes "cwl" and "docker".
"""

import hashlib
from dataclasses import dataclass, replace

from weaver_like.deployment.container import container_tool
from weaver_like.deployment.documents import as_yaml
from weaver_like.deployment.inspector import Inspector, encoded
from weaver_like.deployment.reader import Fetch, PackageContents, PackagedProcess, PackageReader
from weaver_like.deployment.units import CONTAINERS
from weaver_like.domain.errors import InvalidPackage, WorkflowNotFound
from weaver_like.domain.inspection import InspectedProcess, Inspection, Refusal
from weaver_like.domain.package import PackageFiles
from weaver_like.domain.process import ExecutionUnit, Process
from weaver_like.schemas.jsontext import JsonObject, dumps

CWL_JSON = "application/cwl+json"
#: CWL as JSON or YAML. Source: /req/cwl/body; the last one is in use elsewhere.
CWL_TYPES = ("application/cwl", CWL_JSON, "application/cwl+yaml", "application/x-cwl")
#: Workers keep packages of up to this many characters ready.
_SMALL = 256 * 2**10


@dataclass(frozen=True, slots=True)
class CwlReader(PackageReader):
    """runner: kind of the runner that the processes get.  inspector: of the module that inspects CWL."""

    runner: str
    inspector: Inspector

    @property
    def media_types(self) -> tuple[str, ...]:
        return CWL_TYPES

    @property
    def extension(self) -> str:
        return ".cwl"

    def recognizes(self, document: JsonObject) -> bool:
        return bool(document.keys() & {"cwlVersion", "class", "$graph"})

    def is_workflow(self, document: JsonObject) -> bool:
        return document.get("class") == "Workflow"

    def translate(self, unit: JsonObject, description: JsonObject, pointer: str) -> JsonObject | None:
        """A container image becomes a tool that runs in it."""
        return container_tool(unit, description, pointer) if unit.get("type") in CONTAINERS else None

    def read(self, files: PackageFiles, fetch: Fetch) -> PackageContents:
        files = replace(files, content={name: as_yaml(file) for name, file in files.content.items()})
        found = self.inspector.inspect(files, fetch)
        if isinstance(found, Refusal):
            kind = WorkflowNotFound if found.missing_process else InvalidPackage
            raise kind(found.detail, faults=found.faults)
        content = encoded(files.content) | found.fetched
        processes = []
        for inspected in found.processes:
            target = _target(inspected, found, content, files.main)
            processes.append(PackagedProcess(self._process(inspected, target), inspected.images, found.runs))
        first = found.processes[0]
        own_id = first.name if first.names_itself else None
        return PackageContents(tuple(processes), own_id, found.warnings)

    def close(self) -> None:
        self.inspector.close()

    def _process(self, found: InspectedProcess, target: JsonObject) -> Process:
        return Process(
            found.name,
            found.version,
            ExecutionUnit(self.runner, target),
            found.title,
            found.description,
            found.keywords,
            found.metadata,
            inputs={port.id: port for port in found.inputs},
            outputs={port.id: port for port in found.outputs},
            mutable=True,
        )


def _target(process: InspectedProcess, found: Inspection, content: dict[str, str], main: str) -> JsonObject:
    """What a run is made of. content: name -> base64 of every file of the package."""
    target: JsonObject = {
        "files": content,
        "remote": found.remote,
        "main": main,
        "fragment": process.fragment,
    }
    if found.offered:
        target |= {"processes": found.offered, "runs": list(found.runs)}
    if sum(map(len, (*content.values(), *found.remote.values()))) <= _SMALL:
        target["digest"] = hashlib.sha256(dumps(target)).hexdigest()
    return target
