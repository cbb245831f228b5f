"""Interface of fetchers: each brings the bytes behind one URI scheme."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
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
    """What was fetched.

    Args:
        media_type: as the other side says, if it does.
        name: for the file.
        uri: where it was at last, if redirects led away from where it was asked for.
    """

    media_type: str | None
    name: str
    size_bytes: int
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A file or a folder in another folder.

    Args:
        path: below that folder, decoded; of a folder it ends with a slash.
        uri: of its bytes, or of what lists it; empty for a folder that needs no listing of its own.
    """

    path: str
    uri: str


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

    def check_folder(self, uri: str) -> None:
        """As `check`, for what may also be the address of a folder. Raises: FetchFailed."""
        self.check(uri)

    def find_below(self, uri: str, proceed: Callable[[], None]) -> Iterator[FolderEntry] | None:
        """Yield all that lies below a folder at any depth, each folder before what it holds.

        None: `uri` is not a folder, as far as this scheme knows folders; http does not, it has pages that list links.
        Raises: FetchFailed, also while it is iterated.
        """
        return None
