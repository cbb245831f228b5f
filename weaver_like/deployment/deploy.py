"""`Deployer`: what clients change of the offer: deploy, replace, undeploy, go back.

Source: OGC 20-044 (OGC API - Processes - Part 2: Deploy, Replace, Undeploy), /req/deploy-replace-undeploy/*.
"""

import base64
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from weaver_like.deployment.reader import PackageReader
from weaver_like.deployment.refine import patch, refine
from weaver_like.deployment.request import check_images, check_names, to_process
from weaver_like.deployment.unpack import Unpacker
from weaver_like.domain.errors import (
    DuplicatedProcess,
    Fault,
    FetchFailed,
    ImmutableProcess,
    InvalidInput,
    InvalidPackage,
    NoSuchProcess,
    NotFound,
    ServerBusy,
    WorkflowNotFound,
)
from weaver_like.domain.package import Change, Deployed, DeploymentRequest, History, Package, Revision
from weaver_like.domain.process import Process
from weaver_like.fetchers.base import Fetcher, FetchLimits
from weaver_like.files.stage import find_fetcher
from weaver_like.processes.catalog import Catalog
from weaver_like.stores.base import ProcessStore

_TRIES = 20
FIRST_VERSION = "1.0.0"
_NUMBERS = re.compile(r"(\d{1,9})(\.\d{1,9})?(\.\d{1,9})?\Z")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What came of an offer. warnings: what a reader of the package said, e.g. of hints that nobody knows."""

    processes: tuple[Process, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a package holds. own_id: the id that a package of one process says, or None."""

    processes: list[Process]
    warnings: tuple[str, ...]
    own_id: str | None


@dataclass(frozen=True)
class Deployer:
    """options: those of the runner of packages.  package_bytes: the most that a document has which a package refers to."""

    store: ProcessStore
    catalog: Catalog
    packages: PackageReader
    fetchers: Mapping[str, Fetcher]
    options: dict
    package_bytes: int

    @cached_property
    def runs_images(self) -> bool:
        """Whether a container engine answers, so that images can be deployed; asked once."""
        return self.options["containers_answer"]()

    def deploy(self, request: DeploymentRequest, dry_run: bool = False) -> Deployment:
        """Offer every process of a package from now on: all of them, or none.

        dry_run: nothing is kept, everything else is the same.
        Raises: InvalidPackage, TooLarge, WorkflowNotFound, DuplicatedProcess, ImmutableProcess, ServerBusy.
        """
        found = self._read(request)

        def change(deployed: Deployed) -> Change:
            for process in found.processes:
                self._check_new(process.id, deployed)
            fresh = [
                replace(process, version=request.version or process.version or FIRST_VERSION)
                for process in found.processes
            ]
            return _adding(deployed, fresh, request.package)

        return Deployment(self._changed(change, dry_run), found.warnings)

    def replace(self, process_id: str, request: DeploymentRequest, dry_run: bool = False) -> Deployment:
        """Make another package the current revision of a process; the older ones stay, and jobs keep theirs.

        Raises: as `deploy`; NoSuchProcess; InvalidPackage too, if the package or its description says another id.
        """
        self.get_mutable(process_id)
        if request.process_id not in (None, process_id):
            raise InvalidPackage(
                f"The id '{request.process_id}' was given to replace '{process_id}'; the same one, or none, is wanted."
            )
        found = self._read(replace(request, process_id=process_id))
        fresh = found.processes[0]
        if request.process_id is None and found.own_id not in (None, process_id):
            raise InvalidPackage(
                f"The package says the id '{found.own_id[:200]}', and the path '{process_id}'; ?id={process_id} makes the path count.",
                faults=[Fault("/id", f"'{found.own_id[:200]}' was got; '{process_id}', or none, is wanted")],
            )

        def change(deployed: Deployed) -> Change:
            taken = self._taken(process_id, deployed)
            version = request.version or fresh.version
            _check_free(process_id, version, taken)
            return _adding(
                deployed,
                [replace(fresh, version=version or next_version(deployed.current[process_id], taken, 0))],
                request.package,
            )

        return Deployment(self._changed(change, dry_run), found.warnings)

    def patch(self, process_id: str, document: object, dry_run: bool = False) -> Deployment:
        """Change the description of a process: a new revision. A `version` alone makes that older revision the current one.

        Raises: NoSuchProcess, ImmutableProcess, DuplicatedProcess, ServerBusy; InvalidInput, also if nothing would change.
        """
        self.get_mutable(process_id)
        wanted = document.get("version") if isinstance(document, dict) else None

        def change(deployed: Deployed) -> Change:
            taken = self._taken(process_id, deployed)
            current = self.store.get(process_id, deployed.current[process_id])
            changed = patch(current.process, document)
            if wanted is not None and changed == current.process and set(document) == {"version"}:
                return self._going_back(deployed, process_id, str(wanted), taken)
            if changed == current.process:
                raise InvalidInput(
                    f"The patch changes nothing: version {current.process.version} of '{process_id}' is described like that already."
                )
            _check_free(process_id, wanted, taken)
            changed = replace(changed, version=wanted or next_version(current.process.version, taken, 2))
            check_names(changed)
            return _adding(deployed, [changed], current.package)

        done = self._changed(change, dry_run)
        return Deployment(done or (self.store.get(process_id, str(wanted)).process,))

    def undeploy(self, process_id: str, version: str | None = None) -> None:
        """Take a process, or one of its revisions, out of the offer; of several the one deployed last is current then.

        Raises: NoSuchProcess, ImmutableProcess.
        """
        self.get_mutable(process_id)

        def change(deployed: Deployed) -> Change:
            found = self._taken(process_id, deployed)
            if version is not None and version not in found:
                raise NoSuchProcess(f"There is no version '{version[:100]}' of a process '{process_id}'.")
            rest = [one for one in found if one != version]
            if version is None or not rest:
                return Change(deployed.number, current={process_id: None})
            current = deployed.current[process_id] if deployed.current[process_id] != version else rest[0]
            return Change(deployed.number, removed=((process_id, version),), current={process_id: current})

        self._changed(change, dry_run=False)

    def get_mutable(self, process_id: str) -> Process:
        """A process that clients may change. Raises: NoSuchProcess, ImmutableProcess; InvalidInput for a single revision."""
        if ":" in process_id:
            raise InvalidInput(
                f"'{process_id[:200]}' is one revision, which never changes; the id without a version is wanted."
            )
        process = self.catalog.get(process_id).process
        if not process.mutable:
            raise ImmutableProcess(
                f"The process '{process_id}' came with this server, or as a plugin; it is not changed by requests.",
                process_id=process_id,
            )
        return process

    def get_package(self, process_id: str) -> Revision:
        """What was deployed, as `id`, or `id:version`. Raises: NoSuchProcess; NotFound for processes that were not deployed."""
        process = self._get_deployed(process_id)
        return self.store.get(process.id, process.version)

    def parse(self, content: bytes) -> object:
        """JSON or YAML as plain values; None if it is neither. Raises: ServerBusy."""
        return self.packages.parse({"document": base64.b64encode(content).decode()}).get("document")

    def get_history(self, process_id: str) -> History:
        """Raises: NoSuchProcess; NotFound for processes that were not deployed."""
        process = self._get_deployed(process_id)
        revisions = tuple(self.store.find_revisions(process.id))
        return History(process.id, self.store.get_deployed().current.get(process.id, ""), revisions)

    def find_versions(self, process: Process) -> list[str]:
        """Of a deployed process, the one deployed last first; none of any other."""
        return [summary.version for summary in self.store.find_revisions(process.id)] if process.mutable else []

    def _get_deployed(self, process_id: str) -> Process:
        process = self.catalog.get(process_id).process
        if not process.mutable:
            raise NotFound(
                f"The process '{process_id}' came with this server, or as a plugin; it has neither a package nor revisions."
            )
        return process

    def _taken(self, process_id: str, deployed: Deployed) -> list[str]:
        """Versions of a process, the one deployed last first."""
        taken = [summary.version for summary in self.store.find_revisions(process_id)]
        if not taken or process_id not in deployed.current:
            raise NoSuchProcess(f"There is no process '{process_id}'.")
        return taken

    def _going_back(self, deployed: Deployed, process_id: str, version: str, taken: list[str]) -> Change:
        if version not in taken:
            detail = f"there is no version '{version[:100]}' of this process; there are {', '.join(taken[:20])}"
            raise InvalidInput(f"The patch is not valid: /version: {detail}.", faults=[Fault("/version", detail)])
        if version == deployed.current[process_id]:
            raise InvalidInput(f"The patch changes nothing: version {version} of '{process_id}' is the current one.")
        return Change(deployed.number, current={process_id: version})

    def _read(self, request: DeploymentRequest) -> Found:
        unpacked = Unpacker(self.packages.parse, self._fetch_unit, tuple(self.options["confinement"]["images"])).unpack(
            request
        )
        found = self.packages.read(unpacked.files, self._fetch)
        if "refused" in found:
            kind = WorkflowNotFound if found.get("kind") == "workflow-not-found" else InvalidPackage
            raise kind(
                str(found["refused"]),
                faults=[Fault(fault["pointer"], fault["detail"]) for fault in found.get("faults", ())],
            )
        entries = found["processes"]
        own_id = unpacked.description.get("id") or (entries[0]["name"] if entries[0]["own"] else None)
        process_id = request.process_id or unpacked.description.get("id")
        if process_id and len(entries) > 1:
            raise InvalidPackage(
                f"One id or description, '{process_id[:200]}', was given for several processes; w=NAME chooses one of them."
            )
        files = replace(unpacked.files, content=unpacked.files.content | found["files"])
        processes = [
            refine(to_process(entry, found["remote"], files, process_id), unpacked.description, unpacked.pointer)
            for entry in entries
        ]
        for process, entry in zip(processes, entries, strict=True):
            check_names(process)
            check_images(process.id, entry["images"], self.options)
        return Found(processes, tuple(found["warnings"]), own_id)

    def _fetch_unit(self, url: str) -> str:
        return self._fetch(url, self.packages.cache_dir / f"unit-{uuid.uuid4()}")

    def _fetch(self, url: str, target: Path) -> str:
        """A document that a package refers to. Raises: FetchFailed, also for addresses that nobody may reach from here."""
        if not url.startswith(("http://", "https://")):
            raise FetchFailed(
                f"'{url[:200]}' is refused: packages may refer to their own files, and to http(s) addresses."
            )
        find_fetcher(self.fetchers, url).fetch(url, target, FetchLimits(self.package_bytes, lambda: None))
        try:
            return target.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise FetchFailed(f"'{url[:200]}' is not UTF-8 text.") from error
        finally:
            target.unlink(missing_ok=True)

    def _check_new(self, process_id: str, deployed: Deployed) -> None:
        try:
            mutable = self.catalog.get(process_id).process.mutable
        except NoSuchProcess:
            mutable = process_id in deployed.current
            if not mutable:
                return
        if not mutable:
            raise ImmutableProcess(
                f"There is a process '{process_id}' that came with this server, or as a plugin; another id is wanted.",
                process_id=process_id,
            )
        raise DuplicatedProcess(
            f"There is a process '{process_id}' already; PUT /processes/{process_id} replaces it.",
            process_id=process_id,
        )

    def _changed(self, decide: Callable[[Deployed], Change], dry_run: bool) -> tuple[Process, ...]:
        """Decide on what is deployed now, and make the change unless somebody else was first; then decide again."""
        for _ in range(_TRIES):
            change = decide(self.store.get_deployed())
            if dry_run or self.store.change(change):
                if not dry_run:
                    self.catalog.look_again()
                return tuple(revision.process for revision in change.added)
        raise ServerBusy("Others change the processes at the same moment.", retry_after_s=2)


def next_version(current: str, taken: list[str], part: int) -> str:
    """The next free version: part 0 counts up the first number, 2 the last one; of a version that is no numbers, the count of revisions."""
    if not _NUMBERS.match(current):
        return f"{len(taken) + 1}.0.0"
    numbers = ([int(number) for number in current.split(".")] + [0, 0])[:3]
    while True:
        numbers = [*numbers[:part], numbers[part] + 1, *[0] * (2 - part)]
        version = ".".join(map(str, numbers))
        if version not in taken:
            return version


def _check_free(process_id: str, version: str | None, taken: list[str]) -> None:
    if version and version in taken:
        raise DuplicatedProcess(
            f"There is a version {version} of '{process_id}' already; another one, or none, is wanted.",
            process_id=process_id,
        )


def _adding(deployed: Deployed, processes: list[Process], package: Package) -> Change:
    now = datetime.now(UTC)
    return Change(
        deployed.number,
        tuple(Revision(process, package, now) for process in processes),
        current={process.id: process.version for process in processes},
    )
