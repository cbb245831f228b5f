"""An execution: what a client asks a process to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from weaver_like.domain.formats import Format
from weaver_like.domain.masks import HIDDEN
from weaver_like.domain.process import Process, Transmission
from weaver_like.domain.values import Occurrences, Reference, Value


class ResponseForm(StrEnum):
    """Source: OGC 18-062r2, execute.yaml `response`."""

    RAW = "raw"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """How the client wants one output; None where it leaves the choice to the server."""

    transmission: Transmission | None = None
    format: Format = field(default_factory=Format)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Source: OGC 18-062r2, subscriber.yaml."""

    success_uri: str | None = None
    in_progress_uri: str | None = None
    failed_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """An execute request, independent of its edition and encoding.

    Args:
        outputs: None if the request names none, which means all; empty if it wants none.
        response: None if the request does not say.
        mode: "sync", "async" or None; from the body, as older clients send it. The Prefer header wins.
        return_preference: of the Prefer header, or None.
        version, deployed: of the revision that the job runs, whatever is deployed meanwhile; None for processes
            without revisions.
        reuse: steps of a package reuse the outputs of earlier jobs, where these were kept.
        secrets: ids of inputs whose values are stored, because jobs need them, but never shown.
        awaited: the attempt of the job's parent that it is a step of; None: no job waits for it.
    """

    inputs: dict[str, Occurrences] = field(default_factory=dict)
    outputs: dict[str, OutputRequest] | None = None
    response: ResponseForm | None = None
    subscriber: Subscriber | None = None
    priority: int | None = None
    mode: str | None = None
    title: str | None = None
    return_preference: str | None = None
    version: str | None = None
    deployed: datetime | None = None
    reuse: bool = False
    secrets: tuple[str, ...] = ()
    awaited: int | None = None

    def secret_values(self) -> Iterator[object]:
        """Yield each value of a secret input, JSON; of a reference its URI."""
        for name in self.secrets:
            for item in self.inputs[name].items if name in self.inputs else ():
                yield item.href if isinstance(item, Reference) else item.data

    def without_secrets(self) -> "Execution":
        """The same as it may be shown."""
        hidden = {
            name: replace(given, items=(Value(HIDDEN),) * len(given.items))
            for name, given in self.inputs.items()
            if name in self.secrets
        }
        return replace(self, inputs=self.inputs | hidden)


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to execute a process, as every face passes it on.

    wait_s: longest wait for the end of the job, in seconds; 0: the client is answered at once.
    """

    process: Process
    execution: Execution
    wait_s: float = 0
