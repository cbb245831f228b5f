"""What is found in an application package, which a child inspects, where a hostile one can do no harm."""

from dataclasses import dataclass, field
from typing import Any

from weaver_like.domain.errors import Fault
from weaver_like.domain.process import InputDescription, OutputDescription


@dataclass(frozen=True, slots=True)
class WantedImage:
    """A container image that tools of a package ask for.

    Args:
        name: empty, if they say how it is made instead.
        required: they cannot run without it; else it is only a hint.
        trouble: why nobody can have it, whatever engine there is; empty: it is named.
    """

    name: str
    required: bool = True
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class InspectedProcess:
    """One process of a package, as its document describes it.

    Args:
        name: its id in the document; empty: it has none.
        names_itself: the document as a whole is this process, and states this id.
        fragment: name of its entry in a document that holds several processes; empty: it is the whole document.
    """

    name: str
    names_itself: bool
    fragment: str
    title: str | None
    description: str | None
    version: str
    inputs: tuple[InputDescription, ...]
    outputs: tuple[OutputDescription, ...]
    images: tuple[WantedImage, ...] = ()
    keywords: tuple[str, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is in a package.

    Args:
        processes: at least one.
        fetched: name -> base64 of files missing in the package and found where its main document came from.
        remote: URL -> text of the remote documents that it refers to.
        warnings: sentences for the author of the package.
        offered: reference -> process of this server that a step runs, as the runner wants it (JSON).
        runs: ids of these processes, and of those that their own steps run.
    """

    processes: tuple[InspectedProcess, ...]
    fetched: dict[str, str] = field(default_factory=dict)
    remote: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    offered: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a package cannot be run. missing_process: the client asked for a process that the package does not have."""

    detail: str
    faults: tuple[Fault, ...] = ()
    missing_process: bool = False
