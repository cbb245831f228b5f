"""Interface of sources: where processes come from."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator

from weaver_like.domain.errors import NoSuchProcess
from weaver_like.domain.process import Plugin, Process


class Source(ABC):
    """Any thread may call, one at a time `collect`."""

    @abstractmethod
    def signature(self) -> Hashable:
        """Something cheap that changes when the offer changes."""

    @abstractmethod
    def is_current(self, process: Process) -> bool:
        """True if a process that was collected would be collected the same now; cheap, asked before every execution."""

    def get_revision(self, process_id: str, version: str) -> Process:
        """One version of a process, current or not; it never changes. Raises: NoSuchProcess, as sources without revisions always do."""
        raise NoSuchProcess(f"There is no version '{version[:100]}' of a process '{process_id[:100]}'.")

    @abstractmethod
    def collect(self) -> Iterator[Plugin]:
        """Everything on offer, as soon as it is known; what is broken comes with its error and hurts nothing else."""
