"""Interface of package readers: each reads one kind of application package, by the media types of its documents."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from weaver_like.domain.inspection import WantedImage
from weaver_like.domain.package import PackageFiles
from weaver_like.domain.process import Process
from weaver_like.schemas.jsontext import JsonObject

#: URL -> text of a document that a package refers to. Raises: FetchFailed.
Fetch = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class PackagedProcess:
    """A process as the package alone describes it.

    Args:
        images: container images that its tools ask for.
        runs: ids of processes of this server that its steps run, and those of these, in turn.
    """

    process: Process
    images: tuple[WantedImage, ...] = ()
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageContents:
    """What is in a package.

    Args:
        processes: at least one; an empty id or version is one that the package does not say.
        own_id: the id that a package of one process says, None if it says none.
        warnings: sentences for the author of the package.
    """

    processes: tuple[PackagedProcess, ...]
    own_id: str | None = None
    warnings: tuple[str, ...] = ()


class PackageReader(ABC):
    """Reads one kind of package. Any thread may call."""

    @property
    @abstractmethod
    def media_types(self) -> tuple[str, ...]:
        """Media types of its documents, without parameters; the first one is assumed where a client names none."""

    @property
    @abstractmethod
    def extension(self) -> str:
        """Extension, with its dot, of documents that come without a name."""

    @abstractmethod
    def recognizes(self, document: JsonObject) -> bool:
        """True for a JSON document that is of this kind, by its members."""

    @abstractmethod
    def read(self, files: PackageFiles, fetch: Fetch) -> PackageContents:
        """Read a package. A refusal is an error with the places of all faults.

        Raises: InvalidPackage, WorkflowNotFound, TooLarge, ServerBusy.
        """

    def is_workflow(self, document: JsonObject) -> bool:
        """True for a document that others of its package are steps of: it is the one to start from."""
        return False

    def translate(self, unit: JsonObject, description: JsonObject, pointer: str) -> JsonObject | None:
        """A document of this kind for an execution unit of another form, such as an image; None if there is none.

        description: of the process, as OGC has it.  pointer: to the unit, for faults.
        Raises: InvalidPackage.
        """
        return None

    def close(self) -> None:
        """Give back what the reader holds."""
        return


class Readers:
    """The readers of this server. The first one gets what nobody recognizes, and says what is wrong with it."""

    def __init__(self, readers: Sequence[PackageReader]):
        self._readers = tuple(readers)

    def __iter__(self) -> Iterator[PackageReader]:
        return iter(self._readers)

    @property
    def media_types(self) -> tuple[str, ...]:
        return tuple(media_type for reader in self._readers for media_type in reader.media_types)

    def find(self, media_type: str) -> PackageReader | None:
        """The reader of a media type, which is given without parameters."""
        return next((reader for reader in self._readers if media_type in reader.media_types), None)

    def choose(self, media_type: str, document: object = None) -> PackageReader:
        """The reader of a document by its media type, else by its members, else the first one."""
        found = self.find(media_type)
        if found is None and isinstance(document, dict):
            found = next((reader for reader in self._readers if reader.recognizes(document)), None)
        return found or self._readers[0]
