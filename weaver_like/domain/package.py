"""Application packages: what clients deploy, and the resulting revisions."""

from dataclasses import dataclass, field
from datetime import datetime

from weaver_like.domain.process import Process
from weaver_like.domain.requester import PUBLIC


@dataclass(frozen=True, slots=True)
class Package:
    """What a client deployed, byte for byte. media_type: with its parameters, as the client gave it."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """The files of a package.

    Args:
        content: relative name -> bytes.
        main: name of the document to start from.
        wanted: names of the processes to deploy, of a document that holds several; "*": all of them; empty: the main
            one.
        origin: `https://host` that the main document was fetched from, and its relative references lead to. Empty: it
            was sent.
        server: URL of this server, by which steps may name its processes.
    """

    content: dict[str, bytes]
    main: str
    wanted: tuple[str, ...] = ()
    origin: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """What a client wants to deploy.

    Args:
        process_id, version: None: those that the package states.
        kinds: file name -> media type without parameters, "" if the client did not say.
        start_given: the client named the file to start from.
        content_ids: Content-ID of a part -> file name.
    """

    package: Package
    files: PackageFiles
    process_id: str | None = None
    version: str | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    start_given: bool = False
    content_ids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a deployed process; it never changes. deployed: aware, UTC.

    `process.unit.target` holds everything that a run needs: nothing is fetched again, even if its origin changes.
    """

    process: Process
    package: Package
    deployed: datetime
    owner: str = ""
    visibility: str = PUBLIC

    @property
    def key(self) -> tuple[str, str]:
        return self.process.id, self.process.version


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a store offers. number: grows with every change.  current: process id -> version that the plain id means."""

    number: int = 0
    current: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """deployed: aware, UTC."""

    version: str
    deployed: datetime


@dataclass(frozen=True, slots=True)
class History:
    """All revisions of a process.

    revisions: the latest deployment first.  current: the version that the plain id means.
    """

    process_id: str
    current: str
    revisions: tuple[RevisionSummary, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the deployed processes, made as a whole or not at all.

    Args:
        number: of the state on which the change is based.
        current: process id -> version that becomes current; None: the process is removed with all its revisions. Others
            do not change.
        removed: single revisions, (process id, version).
    """

    number: int
    added: tuple[Revision, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    current: dict[str, str | None] = field(default_factory=dict)
