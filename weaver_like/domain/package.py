"""Application packages: what was deployed, and the revisions that came of it."""

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
    """A package taken apart. content: relative name -> base64.  main: the document to start from.  wanted: entries of its `$graph`; "*": all.

    origin: `https://host` that the main document came from, if it did: what it refers to by a relative name is there.
    """

    content: dict[str, str]
    main: str
    wanted: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """What a client wants to deploy. process_id, version: None: those of the package.  kinds: file name -> media type, "" if nobody told.

    started: somebody said which file to start from.  content_ids: Content-ID of a part -> file name.
    """

    package: Package
    files: PackageFiles
    process_id: str | None = None
    version: str | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    started: bool = False
    content_ids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """files: CWL, and what it refers to.  description: an OGC process description that refines it, or empty.  pointer: where that stands."""

    files: PackageFiles
    description: dict = field(default_factory=dict)
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a deployed process; it is never changed. deployed: aware, UTC.

    `process.unit.target` holds everything that a run needs: nothing is fetched again, whatever becomes of the places that it came from.
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
    """revisions: the one deployed last first.  current: the version that the plain id means."""

    process_id: str
    current: str
    revisions: tuple[RevisionSummary, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of what is deployed, whole or not at all.

    number: of the state that it was decided on.  current: process id -> version that is the current one from now on, None: the
    process goes with all its revisions; others stay as they are.  removed: single revisions, (process id, version).
    """

    number: int
    added: tuple[Revision, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    current: dict[str, str | None] = field(default_factory=dict)
