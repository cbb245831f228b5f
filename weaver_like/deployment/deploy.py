"""`Deployer`: what clients change of the processes on offer: deploy, replace, undeploy, go back.

Source: OGC 20-044 (OGC API - Processes - Part 2: Deploy, Replace, Undeploy), /req/deploy-replace-undeploy/*.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from weaver_like.deployment.checks import check_names
from weaver_like.deployment.opener import PackageOpener
from weaver_like.deployment.refine import patch
from weaver_like.deployment.request import DeploymentOptions, RequestReader
from weaver_like.deployment.versions import FIRST_VERSION, MAJOR, PATCH, check_free, next_version
from weaver_like.domain.errors import (
    DuplicatedProcess,
    Fault,
    ImmutableProcess,
    InvalidInput,
    InvalidPackage,
    NoSuchProcess,
    NotFound,
    ServerBusy,
)
from weaver_like.domain.package import Change, Deployed, DeploymentRequest, History, Package, Revision
from weaver_like.domain.process import Process
from weaver_like.processes.catalog import Catalog
from weaver_like.stores.base import DeploymentStore

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Deployment:
    """What came of a request. warnings: what the reader of the package said, e.g. of hints that nobody knows."""

    processes: tuple[Process, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deployer:
    """Any thread may call. package_bytes: the largest body (limits.package_bytes)."""

    store: DeploymentStore
    catalog: Catalog
    opener: PackageOpener
    package_bytes: int

    @property
    def media_types(self) -> tuple[str, ...]:
        """Every Content-Type that a package may be sent with."""
        return self._request_reader.media_types

    @cached_property
    def runs_images(self) -> bool:
        """Whether a container engine answers, so that images can be deployed; asked once."""
        return self.opener.images.engine_answers()

    @property
    def _request_reader(self) -> RequestReader:
        return RequestReader(self.opener.readers, self.package_bytes)

    def read_request(self, body: bytes, content_type: str, options: DeploymentOptions) -> DeploymentRequest:
        """The body of a request, taken apart. Raises: UnsupportedPackage, TooLarge, InvalidPackage."""
        return self._request_reader.read(body, content_type, options)

    def deploy(self, request: DeploymentRequest, dry_run: bool = False) -> Deployment:
        """Offer every process of a package from now on: all of them, or none.

        dry_run: nothing is kept, everything else is the same.
        Raises: InvalidPackage, TooLarge, WorkflowNotFound, DuplicatedProcess, ImmutableProcess, ServerBusy.
        """
        found = self.opener.open(request)

        def decide(deployed: Deployed) -> Change:
            for process in found.processes:
                self._check_new(process.id, deployed)
            added = [
                replace(process, version=request.version or process.version or FIRST_VERSION)
                for process in found.processes
            ]
            return _addition(deployed, added, request.package)

        return Deployment(self._change(decide, dry_run), found.warnings)

    def replace(self, process_id: str, request: DeploymentRequest, dry_run: bool = False) -> Deployment:
        """Make another package the current revision of a process; the older ones stay, and jobs keep theirs.

        Raises: as `deploy`; NoSuchProcess; InvalidPackage too, if the package or its description says another id.
        """
        self.get_mutable(process_id)
        if request.process_id not in (None, process_id):
            raise InvalidPackage(
                f"Expected the id '{process_id}', which is being replaced, or none, got '{request.process_id}'."
            )
        found = self.opener.open(replace(request, process_id=process_id))
        if request.process_id is None:
            _check_own_id(found.own_id, process_id)

        def decide(deployed: Deployed) -> Change:
            taken = self._versions(process_id, deployed)
            process = found.processes[0]
            version = request.version or process.version
            check_free(process_id, version, taken)
            version = version or next_version(deployed.current[process_id], taken, MAJOR)
            return _addition(deployed, [replace(process, version=version)], request.package)

        return Deployment(self._change(decide, dry_run), found.warnings)

    def patch(self, process_id: str, document: object, dry_run: bool = False) -> Deployment:
        """Change the description of a process: a new revision.

        A `version` alone makes that older revision the current one.

        Raises: NoSuchProcess, ImmutableProcess, DuplicatedProcess, ServerBusy; InvalidInput, also if nothing would
        change.
        """
        self.get_mutable(process_id)
        given = document.get("version") if isinstance(document, dict) else None
        version = None if given is None else str(given)
        version_alone = isinstance(document, dict) and set(document) == {"version"}

        def decide(deployed: Deployed) -> Change:
            taken = self._versions(process_id, deployed)
            current = self.store.get(process_id, deployed.current[process_id])
            changed = patch(current.process, document)
            if changed != current.process:
                check_free(process_id, version, taken)
                changed = replace(changed, version=version or next_version(current.process.version, taken, PATCH))
                check_names(changed)
                return _addition(deployed, [changed], current.package)
            if version is not None and version_alone:
                return _return_to(deployed, process_id, version, taken)
            raise InvalidInput(
                f"The patch changes nothing: version {current.process.version} of '{process_id}' is described like "
                "that already."
            )

        processes = self._change(decide, dry_run)
        return Deployment(processes or (self.store.get(process_id, str(version)).process,))

    def undeploy(self, process_id: str, version: str | None = None) -> None:
        """Take a process, or one of its revisions, out of the offer; of several the one deployed last is current then.

        Raises: NoSuchProcess, ImmutableProcess.
        """
        self.get_mutable(process_id)

        def decide(deployed: Deployed) -> Change:
            versions = self._versions(process_id, deployed)
            if version is not None and version not in versions:
                raise NoSuchProcess(f"There is no version '{version[:100]}' of process '{process_id}'.")
            rest = [other for other in versions if other != version]
            if version is None or not rest:
                return Change(deployed.number, current={process_id: None})
            current = deployed.current[process_id]
            if current == version:
                current = rest[0]
            return Change(deployed.number, removed=((process_id, version),), current={process_id: current})

        self._change(decide, dry_run=False)

    def get_mutable(self, process_id: str) -> Process:
        """A process that clients may change.

        Raises: NoSuchProcess, ImmutableProcess; InvalidInput for a single revision.
        """
        if ":" in process_id:
            raise InvalidInput(f"'{process_id[:200]}' is a single revision, which never changes; expected a plain id.")
        process = self.catalog.get(process_id).process
        if not process.mutable:
            raise ImmutableProcess(
                f"Process '{process_id}' came with this server or as a plugin, so requests cannot change it.",
                process_id=process_id,
            )
        return process

    def get_package(self, process_id: str) -> Revision:
        """What was deployed, as `id`, or `id:version`.

        Raises: NoSuchProcess; NotFound for processes that were not deployed.
        """
        process = self._get_deployed(process_id)
        return self.store.get(process.id, process.version)

    def parse(self, content: bytes) -> object:
        """JSON or YAML as plain values; None if it is neither. Raises: ServerBusy."""
        return self.opener.parse({"document": content}).get("document")

    def get_history(self, process_id: str) -> History:
        """Raises: NoSuchProcess; NotFound for processes that were not deployed."""
        process = self._get_deployed(process_id)
        revisions = tuple(self.store.find_revisions(process.id))
        return History(process.id, self.store.get_deployed().current.get(process.id, ""), revisions)

    def find_versions(self, process: Process) -> list[str]:
        """Of a deployed process, the one deployed last first; none of any other."""
        if not process.mutable:
            return []
        return [summary.version for summary in self.store.find_revisions(process.id)]

    def close(self) -> None:
        """Give back what reading packages holds."""
        self.opener.close()

    def _get_deployed(self, process_id: str) -> Process:
        process = self.catalog.get(process_id).process
        if not process.mutable:
            raise NotFound(
                f"Process '{process_id}' came with this server or as a plugin; it has neither a package nor revisions."
            )
        return process

    def _versions(self, process_id: str, deployed: Deployed) -> list[str]:
        """Versions of a process, the one deployed last first. Raises: NoSuchProcess."""
        versions = [summary.version for summary in self.store.find_revisions(process_id)]
        if not versions or process_id not in deployed.current:
            raise NoSuchProcess(f"There is no process '{process_id}'.")
        return versions

    def _check_new(self, process_id: str, deployed: Deployed) -> None:
        """Raises: DuplicatedProcess, ImmutableProcess."""
        try:
            mutable = self.catalog.get(process_id).process.mutable
        except NoSuchProcess:
            if process_id not in deployed.current:
                return
            mutable = True
        if not mutable:
            raise ImmutableProcess(
                f"Process '{process_id}' came with this server or as a plugin; choose another id.",
                process_id=process_id,
            )
        raise DuplicatedProcess(
            f"Process '{process_id}' already exists; PUT /processes/{process_id} replaces it.", process_id=process_id
        )

    def _change(self, decide: Callable[[Deployed], Change], dry_run: bool) -> tuple[Process, ...]:
        """Decide on what is deployed now, and make the change unless somebody else was first; then decide again."""
        for _ in range(_TRIES):
            change = decide(self.store.get_deployed())
            processes = tuple(revision.process for revision in change.added)
            if dry_run:
                return processes
            if self.store.change(change):
                self.catalog.look_again()
                return processes
        raise ServerBusy("Others are changing the processes at the same time.", retry_after_s=2)


def _check_own_id(own_id: str | None, process_id: str) -> None:
    """Raises: InvalidPackage, if a package says another id than the path."""
    if own_id is None or own_id == process_id:
        return
    raise InvalidPackage(
        f"The package says the id '{own_id[:200]}', but the path says '{process_id}'; ?id={process_id} chooses that of "
        "the path.",
        faults=[Fault("/id", f"expected '{process_id}', or none, got '{own_id[:200]}'")],
    )


def _addition(deployed: Deployed, processes: Sequence[Process], package: Package) -> Change:
    now = datetime.now(UTC)
    return Change(
        deployed.number,
        tuple(Revision(process, package, now) for process in processes),
        current={process.id: process.version for process in processes},
    )


def _return_to(deployed: Deployed, process_id: str, version: str, taken: Sequence[str]) -> Change:
    """Make an older revision the current one. Raises: InvalidInput."""
    if version not in taken:
        detail = f"expected one of the versions {', '.join(taken[:20])}, got '{version[:100]}'"
        raise InvalidInput(f"The patch is not valid: /version: {detail}.", faults=[Fault("/version", detail)])
    if version == deployed.current[process_id]:
        raise InvalidInput(f"The patch changes nothing: version {version} of '{process_id}' is the current one.")
    return Change(deployed.number, current={process_id: version})
