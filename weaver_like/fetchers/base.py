"""Interface of fetchers: each brings the bytes behind one URI scheme."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

CHUNK_BYTES = 1 << 18
#: Of HTTP.
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Where a fetch ends.

    Args:
        max_bytes: more fails the fetch.
        proceed: called between chunks; it raises to stop, e.g. when the job was dismissed.
    """

    max_bytes: int
    proceed: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: its media type as the other side says, if it does; a name for the file; its size."""

    media_type: str | None
    name: str
    size_bytes: int


class Fetcher(ABC):
    """Any thread may call."""

    @abstractmethod
    def check(self, uri: str) -> None:
        """Refuse at submission what can be refused without the network. Raises: FetchFailed."""

    @abstractmethod
    def fetch(self, uri: str, target: Path, limits: FetchLimits, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        """Stream the bytes into the new file `target`, never holding more than a chunk.

        headers: of HTTP, for the origin of `uri` only; other schemes have none.
        Raises: FetchFailed.
        """
