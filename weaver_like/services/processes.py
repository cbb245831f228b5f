"""`ProcessService`: the processes on offer, as one requester may see them."""

from collections.abc import Hashable

from weaver_like.domain.process import Plugin, Process
from weaver_like.domain.requester import Requester
from weaver_like.runtime import Runtime


class ProcessService:
    """Processes, their revisions, and the plugins that they come from."""

    def __init__(self, runtime: Runtime, requester: Requester):
        self._rt = runtime
        self._requester = requester

    def get(self, process_id: str) -> Process:
        """A process as it is now. process_id: also `id:version`. Raises: NoSuchProcess; ServerBusy, at the start."""
        return self._rt.catalog.get(process_id).process

    def find(self, after: str | None, limit: int) -> tuple[list[Process], bool]:
        """At most `limit` processes in the order of their ids, after the id `after`; and whether more follow."""
        return self._rt.catalog.find(after, limit)

    def find_all(self) -> list[Process]:
        """Every process on offer, in the order of their ids."""
        entries = self._rt.catalog.snapshot().entries
        return [entries[name].process for name in sorted(entries)]

    def find_versions(self, process: Process) -> list[str]:
        """Versions of a deployed process, the one deployed last first; other processes have none."""
        return self._rt.deployer.find_versions(process)

    def find_plugins(self) -> list[Plugin]:
        """Every plugin that was found, with its processes or its error; of deployed packages only the broken ones."""
        plugins = self._rt.catalog.snapshot().plugins
        return [plugin for plugin in plugins if not plugin.deployed or plugin.error]

    @property
    def state(self) -> tuple[int, Hashable]:
        """Number of the offer, and the requester's audience: rendered documents are valid as long as both stay."""
        return self._rt.catalog.snapshot().number, self._rt.policy.audience(self._requester)
