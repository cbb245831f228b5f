"""Interface of sources: where processes come from."""
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator

from weaver_like.domain.process import Plugin, Process


class Source(ABC):
    """Any thread may call, one at a time `collect`."""

    @abstractmethod
    def signature(self) -> Hashable:
        """Something cheap that changes when the offer changes."""

    @abstractmethod
    def is_current(self, process: Process) -> bool:
        """True if a process that was collected would be collected the same now; cheap, asked before every execution."""

    @abstractmethod
    def collect(self) -> Iterator[Plugin]:
        """Everything on offer, as soon as it is known; what is broken comes with its error and hurts nothing else."""
