"""`Application`: what all requests share; gives each requester its services."""

from functools import cached_property

from weaver_like.domain.requester import Requester
from weaver_like.jobs.health import Health
from weaver_like.jobs.wait import Places
from weaver_like.runtime import Runtime
from weaver_like.services.deployments import DeploymentService
from weaver_like.services.jobs import JobService
from weaver_like.services.processes import ProcessService
from weaver_like.services.results import ResultService
from weaver_like.services.schedules import ScheduleService
from weaver_like.services.server import ServerService


class Application:
    """One for each server process. `waiting` and `listening` are limited, so that some threads are always free.

    prepared: the store has been brought up to date.
    """

    def __init__(self, runtime: Runtime):
        self.runtime = runtime
        self.health = Health(runtime)
        self.prepared = True
        threads = runtime.settings.server.threads
        self.waiting = Places(threads // 2)
        self.listening = Places(max(1, threads // 4))

    def require_store(self) -> None:
        """Raises: Unavailable, as long as the store is not ready for the first time since the start."""
        if not self.prepared:
            self.runtime.store.ping()
            self.prepared = True

    def services_of(self, requester: Requester) -> "Services":
        """The services, bound to a requester. Cheap: made for each request."""
        return Services(self, requester)


class Services:
    """Everything that a face may use, on behalf of one requester."""

    def __init__(self, application: Application, requester: Requester):
        self._application = application
        self.requester = requester

    @cached_property
    def jobs(self) -> JobService:
        application = self._application
        return JobService(application.runtime, self.requester, application.waiting, application.listening)

    @cached_property
    def results(self) -> ResultService:
        return ResultService(self._application.runtime, self.jobs)

    @cached_property
    def processes(self) -> ProcessService:
        return ProcessService(self._application.runtime, self.requester)

    @cached_property
    def deployments(self) -> DeploymentService:
        return DeploymentService(self._application.runtime, self.requester)

    @cached_property
    def schedules(self) -> ScheduleService:
        return ScheduleService(self._application.runtime, self.requester)

    @cached_property
    def server(self) -> ServerService:
        return ServerService(self._application.runtime, self._application.health)
