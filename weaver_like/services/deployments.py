"""`DeploymentService`: processes that clients deploy, replace and remove."""

from weaver_like.access.policy import Action
from weaver_like.deployment.deploy import Deployment
from weaver_like.deployment.request import DeploymentOptions
from weaver_like.domain.package import DeploymentRequest, History, Revision
from weaver_like.domain.requester import Requester
from weaver_like.runtime import Runtime


class DeploymentService:
    """Source: OGC 20-044 (Part 2: Deploy, Replace, Undeploy)."""

    def __init__(self, runtime: Runtime, requester: Requester):
        self._rt = runtime
        self._requester = requester

    def read_request(self, body: bytes, content_type: str, options: DeploymentOptions) -> DeploymentRequest:
        """Parse a request body. Raises: UnsupportedPackage, TooLarge, InvalidPackage."""
        return self._rt.deployer.read_request(body, content_type, options)

    def deploy(self, request: DeploymentRequest, dry_run: bool = False) -> Deployment:
        """Offer the processes of a package: all of them, or none. Raises: as `Deployer.deploy`; NotAuthorized."""
        self._check()
        return self._rt.deployer.deploy(request, dry_run)

    def replace(self, process_id: str, request: DeploymentRequest, dry_run: bool = False) -> Deployment:
        """Make another package the current revision of a process. Raises: as `Deployer.replace`; NotAuthorized."""
        self._check()
        return self._rt.deployer.replace(process_id, request, dry_run)

    def patch(self, process_id: str, document: object, dry_run: bool = False) -> Deployment:
        """Change the description of a process, or go back to a version. Raises: as `Deployer.patch`; NotAuthorized."""
        self._check()
        return self._rt.deployer.patch(process_id, document, dry_run)

    def undeploy(self, process_id: str, version: str | None = None) -> None:
        """Remove a process, or one of its revisions. Raises: as `Deployer.undeploy`; NotAuthorized."""
        self._check()
        self._rt.deployer.undeploy(process_id, version)

    def check_mutable(self, process_id: str) -> None:
        """Raises: NoSuchProcess, ImmutableProcess; InvalidInput for a single revision."""
        self._rt.deployer.get_mutable(process_id)

    def get_package(self, process_id: str) -> Revision:
        """What was deployed. process_id: also `id:version`. Raises: NoSuchProcess; NotFound, if it was not deployed."""
        return self._rt.deployer.get_package(process_id)

    def get_history(self, process_id: str) -> History:
        """Every version of a process. Raises: NoSuchProcess; NotFound, if it was not deployed."""
        return self._rt.deployer.get_history(process_id)

    def parse(self, content: bytes) -> object:
        """JSON or YAML as plain values; None if it is neither. Raises: ServerBusy."""
        return self._rt.deployer.parse(content)

    @property
    def media_types(self) -> tuple[str, ...]:
        """Every Content-Type that a package may be sent with."""
        return self._rt.deployer.media_types

    @property
    def runs_images(self) -> bool:
        """Whether a container engine answers, so that packages with images can be deployed."""
        return self._rt.deployer.runs_images

    def _check(self) -> None:
        self._rt.policy.check(self._requester, Action.DEPLOY)
