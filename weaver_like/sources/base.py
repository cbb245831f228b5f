"""Interface of sources: where processes come from."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator

from weaver_like.domain.errors import NoSuchProcess
from weaver_like.domain.process import Plugin, Process


class Source(ABC):
    """Any thread may call; `signature` and `collect` are called by one thread at a time.

    Any method may fail or hang: this affects only the processes of this source.
    """

    #: The name under which trouble with the source itself is logged and listed.
    name: str
    #: Seconds without a sign of life (an answer, a plugin) after which the source is not waited for any more.
    deadline_s: float = 60

    @abstractmethod
    def signature(self) -> Hashable:
        """A value, cheap to compute, that changes when the offer changes."""

    @abstractmethod
    def is_current(self, process: Process) -> bool:
        """True if a collected process is still current; must be cheap, as it is called before every execution."""

    def get_revision(self, process_id: str, version: str) -> Process:
        """One version of a process, current or not; it never changes.

        Raises: NoSuchProcess, as sources without revisions always do.
        """
        raise NoSuchProcess(f"Process '{process_id[:100]}' has no version '{version[:100]}'.")

    @abstractmethod
    def collect(self) -> Iterator[Plugin]:
        """Yield every plugin as soon as it is known; a broken one comes with its error and affects no other."""
