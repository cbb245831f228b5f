"""Runtime: the interfaces that services work with; built once per OS process by `wiring.build`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from weaver_like.access.policy import Policy
from weaver_like.deployment.deploy import Deployer
from weaver_like.domain.process import Process
from weaver_like.egress.guard import Guard
from weaver_like.engines.base import Engine
from weaver_like.fetchers.base import Fetcher
from weaver_like.files.area import OutputArea
from weaver_like.notify.base import Notifier
from weaver_like.processes.catalog import Catalog
from weaver_like.runners.base import Runner
from weaver_like.settings import Settings
from weaver_like.stores.base import Store


@dataclass(frozen=True)
class Runtime:
    """What this process works with. engine: None in a worker, which serves the engine of another process."""

    settings: Settings
    store: Store
    catalog: Catalog
    deployer: Deployer
    area: OutputArea
    guard: Guard
    fetchers: Mapping[str, Fetcher]
    runners: Mapping[str, Runner]
    notifier: Notifier
    engine: Engine | None
    policy: Policy = field(default_factory=Policy)

    def runner_of(self, process: Process) -> Runner:
        """The runner of a process's execution unit."""
        return self.runners[process.unit.runner]

    @property
    def serving_engine(self) -> Engine:
        """The engine, for what only runs in a server. Raises: RuntimeError, in a worker."""
        if self.engine is None:
            raise RuntimeError("This process is a worker: it has no engine of its own.")
        return self.engine
