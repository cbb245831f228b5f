"""`PackageOpener`: what a client sent -> the processes that it would deploy, checked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weaver_like.deployment.checks import ImageSupport, check_names
from weaver_like.deployment.reader import Fetch, PackagedProcess, Readers
from weaver_like.deployment.refine import Refined, refine
from weaver_like.deployment.unpack import Parse, Unpacked, Unpacker
from weaver_like.domain.errors import InvalidPackage
from weaver_like.domain.package import DeploymentRequest
from weaver_like.domain.process import Process


@dataclass(frozen=True, slots=True)
class OpenedPackage:
    """What a package would deploy. own_id: the id that a package of one process says, or None."""

    processes: tuple[Process, ...]
    warnings: tuple[str, ...]
    own_id: str | None


@dataclass(frozen=True, slots=True)
class PackageOpener:
    """parse: reads YAML.  fetch: brings documents that packages refer to."""

    readers: Readers
    parse: Parse
    fetch: Fetch
    images: ImageSupport

    def open(self, request: DeploymentRequest) -> OpenedPackage:
        """Raises: InvalidPackage, WorkflowNotFound, TooLarge, ServerBusy."""
        unpacker = Unpacker(self.readers, self.parse, self.fetch, self.images.folders)
        unpacked = unpacker.unpack(request)
        contents = unpacked.reader.read(unpacked.files, self.fetch)
        described_id = unpacked.description.members.get("id")
        refined = _refined(contents.processes, unpacked, request.process_id or described_id)
        processes = tuple(one.process for one in refined)
        warnings = [*contents.warnings, *unpacked.warnings, *(text for one in refined for text in one.warnings)]
        for process, packaged in zip(processes, contents.processes, strict=True):
            check_names(process)
            warnings += self.images.check(process.id, packaged.images)
            _check_runs(process.id, packaged.runs)
        return OpenedPackage(processes, tuple(dict.fromkeys(warnings)), described_id or contents.own_id)

    def close(self) -> None:
        """Give back what the readers hold."""
        for reader in self.readers:
            reader.close()


def _check_runs(process_id: str, runs: Sequence[str]) -> None:
    """Raises: InvalidPackage, if a process would run itself, even if it were an older revision."""
    if process_id in runs:
        raise InvalidPackage(
            f"'{process_id}' refers to itself: it is a step of its own, or of a process that it runs ("
            f"{', '.join(runs)})."
        )


def _refined(found: Sequence[PackagedProcess], unpacked: Unpacked, process_id: str | None) -> list[Refined]:
    """The processes as the description beside them tells it.

    process_id: what the client or the description says, None: nothing.
    """
    if process_id and len(found) > 1:
        raise InvalidPackage(
            f"One id or description, '{process_id[:200]}', was given for several processes; choose one with w=NAME."
        )
    processes = [replace(packaged.process, id=process_id or packaged.process.id) for packaged in found]
    return [refine(process, unpacked.description) for process in processes]
